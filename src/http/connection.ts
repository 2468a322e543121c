/**
 * One client: its bytes become requests, one behind another. Owns what is on its way in and when that is refused; the
 * replies are those of its `ReplyLine`, what waits to be read is its `ReadAhead`'s, timeouts are judged in
 * `client-patience.ts`.
 */

import type { Socket } from "node:net";
import type { ConnectionFacts } from "../gateway/exchange.ts";
import { connectionFacts } from "../gateway/node-connection.ts";
import { readOrClose } from "../node-sockets.ts";
import { Patience } from "./client-patience.ts";
import type { ConnectionOwner } from "./connection-owner.ts";
import { HttpExchange } from "./exchange.ts";
import { INPUT, INPUT_SIZE, slice } from "./llhttp.ts";
import { BODY_END, HEAD, MORE, parser, REFUSED } from "./message-parser.ts";
import { ReadAhead } from "./read-ahead.ts";
import { type Refusal, REFUSALS } from "./refusal.ts";
import { RequestBody } from "./request-body.ts";
import { RequestHead } from "./request-head.ts";

export class Connection extends ReadAhead {
  readonly facts: ConnectionFacts;
  readonly patience: Patience;
  /** Requests so far. */
  requests = 0;
  /** It has served requests elsewhere, and is kept like one that has served some here. */
  isKept = false;
  /** Nothing may be read from it: somebody else may be about to. */
  isHeld = false;
  /** What whoever watches the engine keeps of it. */
  view: unknown = undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    super(socket, owner);
    this.facts = connectionFacts(socket);
    this.patience = new Patience(owner.now);
  }

  get isIdle(): boolean {
    return this.front === undefined && !this.state.isBegun && !this.isThrough && this.rest === undefined;
  }

  override take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += INPUT_SIZE) {
      const piece = bytes.subarray(at, at + INPUT_SIZE);
      if (this.rest !== undefined) {
        this.keep(piece);
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
      if (!this.state.isBegun && this.isFull()) return this.keep(INPUT.subarray(at, end));
      const begun = at;
      const outcome = parser.parse(this.state, this.owner.rules, this, at, end);
      at = parser.position;
      if (outcome === MORE) break;
      if (outcome === REFUSED) return this.#refuse(parser.refusal, begun, end);
      this.isMoreRead = at < end;
      if (outcome === BODY_END) this.#bodyEnded();
      else if (this.#begin(parser.head as RequestHead, outcome === HEAD, at, end)) return;
    }
    this.isMoreRead = false;
    if (this.incoming !== undefined) this.pauseIfFull();
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
      this.isRestTooLarge = true;
    }
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

  /** The client has sent its last byte. */
  ended(): void {
    if (this.isLingering || (this.front === undefined && this.rest === undefined)) this.socket.destroySoon();
    else if (!this.owner.servesHalfClosed || this.incoming !== undefined) this.gone();
    else this.isThrough = true;
    this.lastServed();
  }

  /** Nobody is there any more. */
  gone(): void {
    this.socket.destroy();
    this.dropAll();
  }

  /** The socket is closed. */
  closed(): void {
    this.isClosed = true;
    this.dropAll();
  }

  /** Closes an idle connection, unless a request has come that the event loop has not seen: then that is served. */
  closeUnlessRead(): void {
    if (this.isHeld) return;
    if ("encrypted" in this.socket) {
      this.isThrough = true;
      this.socket.destroySoon();
      return;
    }
    const unread = readOrClose(this.socket);
    if (unread !== undefined) this.take(unread);
  }

  /** Answers a request that has not come as a whole, in its turn, and ends the connection; `came` is what has come of it. */
  refuseHead(refusal: Refusal, came: string = this.state.text): void {
    this.isThrough = true;
    const unread = new RequestHead("GET", "", "1.1");
    const exchange = new HttpExchange(this, unread, undefined, this.owner.now);
    exchange.unread = came;
    this.queue(exchange);
    this.owner.begun(exchange, this);
    this.owner.refused(refusal, this);
    exchange.refuse(refusal);
  }

  /** Answers a request whose client, or application, takes too long; what has been begun of a reply breaks off. */
  giveUp(exchange: HttpExchange, refusal: Refusal): void {
    this.isThrough = true;
    exchange.refuse(refusal);
  }

  /** A request has come. True: what follows is not HTTP. */
  #begin(request: RequestHead, hasBody: boolean, at: number, end: number): boolean {
    const { owner } = this;
    if (request.wantsUpgrade && !hasBody && this.#isTaken(request)) {
      this.requests++;
      this.patience.headComplete();
      this.keep(INPUT.subarray(at, end));
      if (this.front === undefined) this.answered();
      return true;
    }
    const exchange = new HttpExchange(this, request, hasBody ? new RequestBody(this) : undefined, owner.now);
    this.requests++;
    this.patience.headComplete();
    if (hasBody) this.incoming = exchange;
    // What follows may be meant for the protocol that was asked for: no reader takes it for a request, and so do we not.
    if (request.wantsUpgrade) exchange.keepsAlive = false;
    if (!exchange.keepsAlive) this.isThrough = true;
    this.queue(exchange);
    owner.begun(exchange, this);
    const { concurrency, requestBody } = owner.rules.limits;
    if (concurrency > 0 && owner.inFlight > concurrency) this.#turnDown(exchange, REFUSALS.overloaded, !hasBody);
    else if (requestBody > 0 && request.contentLength > requestBody) this.#turnDown(exchange, REFUSALS.bodyTooLarge);
    else if (this.#isMisdirected(request)) this.#turnDown(exchange, REFUSALS.misdirected);
    else owner.serve(exchange);
    // The gateway may have refused it: then what is behind it is not to be trusted either.
    if (!exchange.keepsAlive) this.isThrough = true;
    return false;
  }

  /** Whether somebody takes the connection to another protocol, which is not for HTTP/1.0 (RFC 9110 section 7.8). */
  #isTaken(request: RequestHead): boolean {
    if (request.version !== "1.1" || this.#isMisdirected(request)) return false;
    this.takeover = this.owner.upgrades?.(request, this);
    return this.takeover !== undefined;
  }

  #isMisdirected({ target }: RequestHead): boolean {
    return this.owner.rules.refusesHttpsTargets && HTTPS.test(target) && !this.facts.isSecure;
  }

  /** @param mayStay whether the connection can serve the next request, where it could have served one behind this */
  #turnDown(exchange: HttpExchange, refusal: Refusal, mayStay = false): void {
    if (!mayStay) this.isThrough = true;
    this.owner.refused(refusal, this);
    exchange.refuse(refusal, mayStay);
  }

  protected override release(): void {
    this.owner.release(this);
  }

  protected override over(exchange: HttpExchange): void {
    this.owner.ended(exchange, this);
  }

  #bodyEnded(): void {
    this.incoming?.body?.finish();
    this.incoming = undefined;
    this.isRestTooLarge = false;
  }

  /** What llhttp or a rule has found wrong; of a body, its request is answered so. */
  #refuse(refusal: Refusal, begun: number, end: number): void {
    const { incoming } = this;
    if (incoming === undefined) {
      const came = this.state.text === "" ? slice(begun, Math.min(end, begun + LONGEST_NAMED)) : this.state.text;
      return this.refuseHead(refusal, came);
    }
    this.isThrough = true;
    this.state.isInBody = false;
    this.owner.refused(refusal, this);
    this.incoming = undefined;
    incoming.body?.fail();
    if (incoming.isOver) return incoming === this.front || this.front === undefined ? this.linger() : undefined;
    return incoming.refuse(refusal);
  }
}

/** So much of what could not be read says what was asked for. */
const LONGEST_NAMED = 8192;
const HTTPS = /^https:/i;
const DRAIN_LIMIT = 65_536;
