/**
 * One client: its bytes become requests, one behind another, and the replies leave in their order. Owns what is in
 * flight on it and when it ends; timeouts are judged in `client-patience.ts`.
 */

import type { Socket } from "node:net";
import type { ConnectionFacts } from "../gateway/exchange.ts";
import { connectionFacts } from "../gateway/node-connection.ts";
import type { Chunk } from "../gateway/types.ts";
import { Patience } from "./client-patience.ts";
import { HttpExchange } from "./exchange.ts";
import { INPUT, INPUT_SIZE } from "./llhttp.ts";
import { BODY_END, HEAD, MORE, parser, ParseState, REFUSED } from "./message-parser.ts";
import { type Refusal, REFUSALS } from "./refusal.ts";
import { RequestBody } from "./request-body.ts";
import { type HeadRules, RequestHead } from "./request-head.ts";

/** What all connections of a server share. */
export interface ConnectionOwner {
  readonly rules: HeadRules;
  /** Milliseconds on the coarse clock. */
  readonly now: number;
  readonly isDraining: boolean;
  readonly servesHalfClosed: boolean;
  readonly takesUpgrades: boolean;
  /** Requests that are not answered, of all connections. */
  inFlight: number;
  serve(exchange: HttpExchange): void;
  upgrade(request: RequestHead, connection: Connection, begun: Buffer): void;
  refused(refusal: Refusal, connection: Connection): void;
}

export class Connection {
  readonly socket: Socket;
  readonly owner: ConnectionOwner;
  readonly facts: ConnectionFacts;
  readonly state = new ParseState();
  readonly patience: Patience;
  /** The request whose reply is due, and those behind it. */
  front: HttpExchange | undefined;
  behind: HttpExchange[] | undefined;
  /** The request whose body is on its way. */
  incoming: HttpExchange | undefined;
  /** Requests so far. */
  requests = 0;
  isClosed = false;
  /** No further request is served: what comes is dropped. */
  isThrough = false;
  /** The last reply is sent, and the client is waited for (RFC 9112 section 9.6). */
  isLingering = false;
  isPaused = false;
  /** What came behind as many requests as may be in flight. */
  #rest: Buffer | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.owner = owner;
    this.facts = connectionFacts(socket);
    this.patience = new Patience(owner.now);
  }

  get isIdle(): boolean {
    return this.front === undefined && !this.state.isBegun && !this.isThrough && this.#rest === undefined;
  }

  /** Bytes came, of a socket that does not read into `INPUT` itself. */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += INPUT_SIZE) {
      const piece = bytes.subarray(at, at + INPUT_SIZE);
      if (this.#rest !== undefined) {
        this.#rest = Buffer.concat([this.#rest, piece]);
        continue;
      }
      INPUT.set(piece);
      this.consume(piece.length);
    }
  }

  /** `INPUT` holds that many bytes for this connection. */
  consume(end: number): void {
    let at = 0;
    while (at < end) {
      if (this.isThrough && !this.state.isInBody) return;
      if (!this.state.isBegun && this.#isLineFull()) {
        this.#rest = Buffer.from(INPUT.subarray(at, end));
        this.#pauseIfFull();
        return;
      }
      const outcome = parser.parse(this.state, this.owner.rules, this, at, end);
      at = parser.position;
      if (outcome === MORE) break;
      if (outcome === REFUSED) return this.#refuse(parser.refusal);
      if (outcome === BODY_END) this.#bodyEnded();
      else if (this.#begin(parser.head as RequestHead, outcome === HEAD, at, end)) return;
    }
    if (this.incoming !== undefined) this.#pauseIfFull();
    else if (this.state.isBegun) this.patience.headBegun(this.owner.now);
  }

  onBody(start: number, end: number): void {
    const exchange = this.incoming;
    if (exchange?.body === undefined) return;
    const { requestBody } = this.owner.rules.limits;
    exchange.body.push(INPUT.subarray(start, end));
    if (requestBody > 0 && exchange.body.received > requestBody && !exchange.isOver) {
      this.isThrough = true;
      this.owner.refused(REFUSALS.bodyTooLarge, this);
      exchange.refuse(REFUSALS.bodyTooLarge);
    } else if (exchange.isOver && exchange.body.discarded > DRAIN_LIMIT) {
      this.#isRestTooLarge = true;
    }
  }

  /** Sends for the exchange at the front. A string is sent one character a byte. */
  send(chunk: Chunk): boolean {
    if (this.isClosed) return true;
    return typeof chunk === "string" ? this.socket.write(chunk, "latin1") : this.socket.write(chunk);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  /** A server that drains closes with the last reply that is due. */
  isLastReply(): boolean {
    return this.owner.isDraining && (this.behind === undefined || this.behind.length === 0);
  }

  /** The reply to `exchange` is complete and its body is not: a small rest is waited for, a large one ends the connection. */
  bodyLeft(exchange: HttpExchange): void {
    const { body, request } = exchange;
    if (body === undefined) return;
    const isComing = !exchange.isContinueDue || body.received > 0;
    if (!isComing || request.contentLength - body.received > DRAIN_LIMIT) exchange.keepsAlive = false;
    this.patience.discarding(this.owner.now);
    this.roomMade();
  }

  /** The reply of `exchange` has been handed over, or will never be. */
  replied(exchange: HttpExchange): void {
    if (exchange !== this.front || this.isClosed) return;
    for (let done: HttpExchange | undefined = exchange; done?.isOver; done = this.front) {
      if (done.isBroken) return this.#breakOff(done);
      if (!done.keepsAlive) return this.#finish(done);
      this.front = this.behind?.shift();
      this.owner.inFlight--;
      this.front?.flush();
    }
    if (this.front === undefined) this.patience.idle(this.owner.now);
    if (this.#rest !== undefined && !this.#isLineFull()) setImmediate(() => this.#takeRest());
  }

  roomMade(): void {
    if (this.isPaused && this.#rest === undefined && !this.isClosed) {
      this.isPaused = false;
      this.socket.resume();
    }
  }

  awaited(): void {
    this.patience.bodyAwaited(this.owner.now);
    this.roomMade();
  }

  /** The client has sent its last byte. */
  ended(): void {
    if (this.isLingering || (this.front === undefined && this.#rest === undefined)) this.socket.destroySoon();
    else if (!this.owner.servesHalfClosed || this.incoming !== undefined) this.gone();
    else this.isThrough = true;
    this.#lastServed();
  }

  /** Nobody is there any more. */
  gone(): void {
    this.socket.destroy();
    this.#dropAll();
  }

  /** The socket is closed. */
  closed(): void {
    this.isClosed = true;
    this.#dropAll();
  }

  drained(): void {
    if (this.front !== undefined && !this.front.isOver) this.front.watcher?.onDrain();
  }

  /** Closes an idle connection, or one whose client was too slow to be answered. */
  close(): void {
    this.isThrough = true;
    this.socket.destroySoon();
  }

  /** Answers a request that has not come as a whole, in its turn, and ends the connection. */
  refuseHead(refusal: Refusal): void {
    this.isThrough = true;
    this.owner.refused(refusal, this);
    const unread = new RequestHead("GET", "", "1.1");
    const exchange = new HttpExchange(this, unread, undefined, this.owner.now);
    this.#queue(exchange);
    exchange.refuse(refusal);
  }

  #isRestTooLarge = false;

  /** A request has come. True: what follows is not HTTP. */
  #begin(request: RequestHead, hasBody: boolean, at: number, end: number): boolean {
    const { owner } = this;
    if (
      request.wantsUpgrade &&
      request.version === "1.1" &&
      owner.takesUpgrades &&
      !hasBody &&
      this.front === undefined
    ) {
      this.requests++;
      this.isThrough = true;
      owner.upgrade(request, this, Buffer.from(INPUT.subarray(at, end)));
      return true;
    }
    const exchange = new HttpExchange(this, request, hasBody ? new RequestBody(this) : undefined, owner.now);
    this.requests++;
    this.patience.headComplete();
    if (hasBody) this.incoming = exchange;
    // What follows may be meant for the protocol that was asked for: no reader takes it for a request, and so do we not.
    if (request.wantsUpgrade) exchange.keepsAlive = false;
    if (!exchange.keepsAlive) this.isThrough = true;
    this.#queue(exchange);
    const { concurrency, requestBody } = owner.rules.limits;
    if (concurrency > 0 && owner.inFlight > concurrency) this.#turnDown(exchange, REFUSALS.overloaded);
    else if (requestBody > 0 && request.contentLength > requestBody) this.#turnDown(exchange, REFUSALS.bodyTooLarge);
    else if (owner.rules.refusesHttpsTargets && HTTPS.test(request.target) && !this.facts.isSecure) {
      this.#turnDown(exchange, REFUSALS.misdirected);
    } else owner.serve(exchange);
    // The gateway may have refused it: then what is behind it is not to be trusted either.
    if (!exchange.keepsAlive) this.isThrough = true;
    return false;
  }

  #turnDown(exchange: HttpExchange, refusal: Refusal): void {
    this.isThrough = true;
    this.owner.refused(refusal, this);
    exchange.refuse(refusal);
  }

  #queue(exchange: HttpExchange): void {
    this.owner.inFlight++;
    if (this.front === undefined) {
      this.front = exchange;
    } else {
      this.behind ??= [];
      this.behind.push(exchange);
    }
  }

  #bodyEnded(): void {
    this.incoming?.body?.finish();
    this.incoming = undefined;
    this.#isRestTooLarge = false;
  }

  /** What llhttp or a rule has found wrong; of a body, its request is answered so. */
  #refuse(refusal: Refusal): void {
    const { incoming } = this;
    if (incoming === undefined) return this.refuseHead(refusal);
    this.isThrough = true;
    this.state.isInBody = false;
    this.owner.refused(refusal, this);
    this.incoming = undefined;
    incoming.body?.fail();
    if (incoming.isOver) return incoming === this.front || this.front === undefined ? this.#linger() : undefined;
    return incoming.refuse(refusal);
  }

  #isLineFull(): boolean {
    return this.front !== undefined && 1 + (this.behind?.length ?? 0) >= this.owner.rules.limits.pipelined;
  }

  #pauseIfFull(): void {
    if (this.#isRestTooLarge && this.front === undefined) return this.#linger();
    const isFull = this.#rest !== undefined || this.incoming?.body?.isFull === true;
    if (!isFull || this.isPaused || this.isLingering || this.isClosed) return;
    this.isPaused = true;
    this.socket.pause();
  }

  #takeRest(): void {
    const rest = this.#rest;
    if (rest === undefined || this.isClosed) return;
    this.#rest = undefined;
    this.take(rest);
    this.roomMade();
  }

  /** The last reply has been handed over. */
  #finish(last: HttpExchange): void {
    this.owner.inFlight--;
    this.front = undefined;
    this.isThrough = true;
    this.#dropBehind();
    const isMoreDue = this.state.isBegun || this.#rest !== undefined || last.wasRefused;
    const isComing = !last.isContinueDue || (last.body?.received ?? 0) > 0;
    if (isMoreDue && isComing) this.#linger();
    else this.socket.destroySoon();
  }

  /** The reply must reach a client that is still sending: our side ends, and what comes is dropped. */
  #linger(): void {
    if (this.isLingering || this.isClosed) return;
    this.isLingering = true;
    this.isThrough = true;
    this.incoming = undefined;
    this.state.isInBody = false;
    this.#rest = undefined;
    this.patience.lingering(this.owner.now);
    this.socket.end();
    this.isPaused = false;
    this.socket.resume();
  }

  #breakOff(exchange: HttpExchange): void {
    this.isThrough = true;
    if (exchange.isEndedByClose) reset(this.socket);
    else this.socket.destroy();
    this.#dropAll();
  }

  /** On a half-closed connection the last reply is known. */
  #lastServed(): void {
    const last = this.behind?.at(-1) ?? this.front;
    if (last !== undefined) last.keepsAlive = false;
  }

  #dropAll(): void {
    const { front } = this;
    this.front = undefined;
    if (front !== undefined) {
      this.owner.inFlight--;
      front.gone();
    }
    this.#dropBehind();
    this.incoming?.body?.fail();
    this.incoming = undefined;
  }

  #dropBehind(): void {
    const { behind } = this;
    this.behind = undefined;
    for (const exchange of behind ?? []) {
      this.owner.inFlight--;
      exchange.gone();
    }
  }
}

/**
 * A reset is all that tells a client that the body it reads to the end of the connection is not whole. It comes a moment
 * after the last byte: a client that finds both at once may take the two for a clean end, as libuv does.
 */
function reset(socket: Socket): void {
  setTimeout(() => setImmediate(() => setImmediate(resetNow, socket)), RESET_PAUSE_MS);
}

function resetNow(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Not TCP: TLS shows by itself that it was cut off, a unix socket has no way to.
    socket.destroy();
  }
}

const RESET_PAUSE_MS = 10;
const HTTPS = /^https:/i;
const DRAIN_LIMIT = 65_536;
