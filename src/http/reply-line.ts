/**
 * The replies that are due on a connection, in the order of their requests (RFC 9112 section 9.3.2), and how it ends
 * behind the last of them. What comes from the client is the business of `connection.ts`.
 */

import type { Socket } from "node:net";
import type { Chunk } from "../gateway/types.ts";
import { hasPlainHandle, writePastStream, writtenBytes } from "../node-sockets.ts";
import { resetSocket } from "../reset-socket.ts";
import type { Patience } from "./client-patience.ts";
import type { ConnectionOwner } from "./connection-owner.ts";
import type { HttpExchange } from "./exchange.ts";
import { ParseState } from "./message-parser.ts";

export abstract class ReplyLine {
  readonly socket: Socket;
  readonly owner: ConnectionOwner;
  readonly state = new ParseState();
  abstract readonly patience: Patience;
  /** The request whose reply is due, and those behind it. */
  front: HttpExchange | undefined;
  behind: HttpExchange[] | undefined;
  /** Bytes of the replies behind the one that is due. */
  held = 0;
  /** The request whose body is on its way. */
  incoming: HttpExchange | undefined;
  isClosed = false;
  /** No further request is served: what comes is dropped. */
  isThrough = false;
  /** The last reply is sent, and the client is waited for (RFC 9112 section 9.6). */
  isLingering = false;
  isPaused = false;
  /** More has been read than the request that has just begun. */
  protected isMoreRead = false;
  /** What came behind as many requests as may be in flight. */
  protected rest: Buffer | undefined;
  /** Whether strings may be written past the stream, and whether one waits there. */
  readonly #isPlain: boolean;
  #isQueued = false;
  #isCorked = false;
  #isGathering = false;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.owner = owner;
    this.#isPlain = hasPlainHandle(socket);
  }

  /** Sends for the exchange at the front. A string is sent one character a byte. */
  send(chunk: Chunk): boolean {
    if (this.isClosed) return true;
    if (typeof chunk !== "string") return this.socket.write(chunk);
    if (this.#isPlain && !this.#isCorked && !this.#isGathering && !this.#isQueued) {
      const outcome = writePastStream(this.socket, chunk);
      if (outcome === "queued") this.#isQueued = true;
      if (outcome !== "not now") return outcome !== "queued";
    }
    return this.socket.write(chunk, "latin1");
  }

  /** Whether something sent waits for the client to take it. */
  get hasUnsent(): boolean {
    return this.#isQueued || this.socket.writableLength > 0;
  }

  cork(): void {
    this.#isCorked = true;
    this.socket.cork();
  }

  uncork(): void {
    this.#isCorked = false;
    this.socket.uncork();
  }

  /** What is sent until the end of this turn leaves as one: pieces of a body often come close behind each other. */
  gather(): void {
    if (this.#isGathering || this.isClosed) return;
    this.#isGathering = true;
    this.socket.cork();
    process.nextTick(endOfTurn, this);
  }

  /** The turn in which pieces were gathered is over, or the connection ends in it. */
  gathered(): void {
    this.#isGathering = false;
    this.socket.uncork();
  }

  /** The client has taken what was sent. */
  drained(): void {
    this.#isQueued &&= writtenBytes(this.socket).waiting > 0;
    if (this.front !== undefined && !this.front.isOver) this.front.watcher?.onDrain();
    if (this.rest !== undefined && !this.isFull()) setImmediate(() => this.takeRest());
  }

  /** A server that drains closes with the last reply that is due, and none behind which a request has begun to come. */
  isLastReply(): boolean {
    if (!this.owner.isDraining || this.isMoreRead || this.rest !== undefined) return false;
    const isHeadBegun = this.state.isBegun && this.incoming === undefined;
    return !isHeadBegun && (this.behind === undefined || this.behind.length === 0);
  }

  /** The reply of `exchange` has been handed over, or will never be. */
  replied(exchange: HttpExchange): void {
    if (exchange !== this.front || this.isClosed) return;
    for (let done: HttpExchange | undefined = exchange; done?.isOver; done = this.front) {
      if (done.isBroken) return this.#breakOff(done);
      if (!done.keepsAlive) return this.#finish(done);
      this.front = this.behind?.shift();
      this.over(done);
      this.front?.flush();
    }
    if (this.front === undefined) this.answered();
    if (this.rest !== undefined && !this.isFull()) setImmediate(() => this.takeRest());
  }

  /** No reply is due any more. */
  protected abstract answered(): void;

  /** Goes on with what came behind as many requests as may be in flight. */
  protected abstract takeRest(): void;

  /** The reply of `exchange` has been handed over, or will never be. */
  protected abstract over(exchange: HttpExchange): void;

  protected queue(exchange: HttpExchange): void {
    if (this.front === undefined) {
      this.front = exchange;
    } else {
      this.behind ??= [];
      this.behind.push(exchange);
    }
  }

  /**
   * Whether no further request is begun: as many are in flight as may be, or their replies wait for their turn or for a
   * client that does not take them.
   */
  protected isFull(): boolean {
    if (this.front !== undefined && 1 + (this.behind?.length ?? 0) >= this.owner.rules.limits.pipelined) return true;
    if (this.held > MOST_UNSENT) return true;
    return this.hasUnsent && this.socket.writableLength + writtenBytes(this.socket).waiting > MOST_UNSENT;
  }

  /** On a half-closed connection the last reply is known. */
  protected lastServed(): void {
    const last = this.behind?.at(-1) ?? this.front;
    if (last !== undefined) last.keepsAlive = false;
  }

  /** The reply must reach a client that is still sending: our side ends, and what comes is dropped. */
  protected linger(): void {
    if (this.isLingering || this.isClosed) return;
    this.isLingering = true;
    this.isThrough = true;
    this.incoming = undefined;
    this.state.isInBody = false;
    this.rest = undefined;
    this.patience.lingering(this.owner.now);
    this.socket.end();
    this.isPaused = false;
    this.socket.resume();
  }

  protected dropAll(): void {
    const { front } = this;
    this.front = undefined;
    if (front !== undefined) {
      front.gone();
      this.over(front);
    }
    this.#dropBehind();
    this.incoming?.body?.fail();
    this.incoming = undefined;
  }

  /** The last reply has been handed over. */
  #finish(last: HttpExchange): void {
    this.front = undefined;
    this.over(last);
    this.isThrough = true;
    this.#dropBehind();
    const isMoreDue = this.state.isBegun || this.rest !== undefined || last.wasRefused;
    const isComing = !last.isContinueDue || (last.body?.received ?? 0) > 0;
    if (isMoreDue && isComing) this.linger();
    else this.socket.destroySoon();
  }

  #breakOff(exchange: HttpExchange): void {
    this.isThrough = true;
    if (this.#isGathering) this.gathered();
    if (exchange.isEndedByClose) reset(this.socket);
    else this.socket.destroy();
    this.dropAll();
  }

  #dropBehind(): void {
    const { behind } = this;
    this.behind = undefined;
    for (const exchange of behind ?? []) {
      exchange.gone();
      this.over(exchange);
    }
  }
}

function endOfTurn(line: ReplyLine): void {
  line.gathered();
}

/**
 * A reset is all that tells a client that the body it reads to the end of the connection is not whole. It comes a moment
 * after the last byte: a client that finds both at once may take the two for a clean end, as libuv does.
 */
function reset(socket: Socket): void {
  setTimeout(() => setImmediate(() => setImmediate(resetSocket, socket)), RESET_PAUSE_MS);
}

const RESET_PAUSE_MS = 10;
/** So much has to wait that the socket tells when all of it is gone. */
const MOST_UNSENT = 131_072;
