/**
 * A connection that the engine serves, as the worker sees it: what the engine knows of it, in the words of those who
 * count, drain, move and time connections.
 */

import type { Socket } from "node:net";
import type { Engine } from "../http/engine.ts";
import type { Connection as Served } from "../http/connection.ts";
import type { HttpExchange } from "../http/exchange.ts";
import { REFUSALS } from "../http/refusal.ts";
import { writtenBytes } from "../node-sockets.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";
import { resetSocket } from "../reset-socket.ts";
import type { ClientTimeout, Look } from "./client-timeouts.ts";
import { closeUnlessRead } from "./close-unless-read.ts";
import { Connection, type ConnectionOrigin } from "./connection.ts";
import type { RequestUnderway } from "./requests-in-flight.ts";

/** Who follows the replies. */
interface Follower {
  /** The client will never have the reply. */
  cut(exchange: HttpExchange, connection: EngineConnection): void;
}

export class EngineConnection extends Connection {
  override readonly socket: Socket;
  readonly #engine: Engine;
  readonly #follower: Follower;
  /** Undefined until its proxy has introduced it. */
  #served: Served | undefined;
  #isOffered = false;
  /** Another protocol has it, whose client is told so that the server goes away. */
  #isTakenOver = false;
  #farewell: (() => void) | undefined;
  /** Replies that were handed over and are not all sent; undefined while there has been none. */
  #leaving: Set<HttpExchange> | undefined;

  constructor(socket: Socket, origin: ConnectionOrigin, engine: Engine, follower: Follower) {
    super(socket, origin);
    this.socket = socket;
    this.#engine = engine;
    this.#follower = follower;
  }

  /** Its client is known: from here on its requests are served. */
  serve(): void {
    this.#served = this.#engine.accept(this.socket, this.isMoved);
    this.#served.view = this;
  }

  /** Another protocol has the connection from here on: it is busy until it closes. */
  takenOver(farewell: (() => void) | undefined, isDraining: boolean): void {
    this.#isTakenOver = true;
    this.#farewell = farewell;
    this.#served = undefined;
    if (isDraining) farewell?.();
  }

  /** The reply of `exchange` was handed over, and is not all sent. */
  follow(exchange: HttpExchange): void {
    (this.#leaving ??= new Set()).add(exchange);
  }

  /** It is all sent, or never will be. False: that has been said already. */
  followed(exchange: HttpExchange): boolean {
    return this.#leaving?.delete(exchange) === true;
  }

  override get isOffered(): boolean {
    return this.#isOffered;
  }

  /** What comes meanwhile may be for another worker to read. */
  override set isOffered(isOffered: boolean) {
    this.#isOffered = isOffered;
    if (this.#served !== undefined) this.#served.isHeld = isOffered;
  }

  override get isIdle(): boolean {
    if (this.isOffered || this.#isTakenOver || this.socket.destroyed) return false;
    return this.#served === undefined ? this.socket.bytesRead === 0 : this.#served.isIdle && !this.#served.hasUnsent;
  }

  override get isAtRest(): boolean {
    const served = this.#served;
    if (this.#isTakenOver) return true;
    return served !== undefined && served.isIdle && (served.requests > 0 || served.isKept) && !served.hasUnsent;
  }

  override get isMovable(): boolean {
    return !("encrypted" in this.socket);
  }

  /** Applications do not see it. */
  override get isMarked(): boolean {
    return false;
  }

  override awaitIntroduction(): void {
    // Until it is served nobody reads from it but who waits for the introduction.
  }

  override introduced(): void {
    // What came behind it stands in the socket's stream, and the engine reads it there.
  }

  override lookAt(look: Look): void {
    const served = this.#served;
    look.bytesRead = this.socket.bytesRead;
    look.hasUnsent = served?.hasUnsent === true;
    if (look.hasUnsent) look.bytesTaken = writtenBytes(this.socket).taken;
    look.of = undefined;
    look.waitsFor = "nothing";
    if (served === undefined) waitForHead(look, 0);
    else if (!served.isLingering) lookAtRequest(served, look);
  }

  override cut(timeout: ClientTimeout): boolean {
    const served = this.#served;
    if (this.#isTakenOver) return false;
    if (served === undefined) this.socket.destroy();
    else return CUTS[timeout](this, served);
    return true;
  }

  override takeUnread(bytes: Buffer): void {
    if (this.#served === undefined) this.socket.emit("data", bytes);
    else this.#served.take(bytes);
  }

  override underway(): readonly RequestUnderway[] {
    return this.#due().filter(isRequest).map(underway);
  }

  override current(): RequestUnderway | undefined {
    const front = this.#served?.front;
    return front === undefined || !isRequest(front) ? undefined : underway(front);
  }

  override beginDrain(now: number): void {
    this.#engine.isDraining = true;
    this.idleSince = now;
    this.#farewell?.();
  }

  override endReplies(): void {
    for (const exchange of this.#leaving ?? []) this.#follower.cut(exchange, this);
    for (const exchange of this.#due()) this.#follower.cut(exchange, this);
  }

  /** Those whose reply is due, as they came. */
  #due(): readonly HttpExchange[] {
    const { front, behind = [] } = this.#served ?? {};
    return front === undefined ? behind : [front, ...behind];
  }
}

function underway({ method, target, request, watchedSince }: HttpExchange): RequestUnderway {
  const requestId = (): string | undefined => saneRequestId(request.header(REQUEST_ID_HEADER));
  return { begunAt: watchedSince, name: () => ({ method, target, requestId: requestId() }) };
}

function isRequest({ unread }: HttpExchange): boolean {
  return unread === undefined;
}

function lookAtRequest(served: Served, look: Look): void {
  const { front, incoming } = served;
  // While another request stands in front of it, nobody waits for what comes behind.
  if (incoming !== undefined && incoming === front && isBodyDue(incoming, served.isPaused)) {
    look.waitsFor = "body";
    look.of = incoming;
  } else if (front !== undefined) {
    look.waitsFor = front.hasBegun ? "nothing" : "reply";
    look.of = front;
  } else if (served.state.isBegun ? incoming === undefined : served.requests === 0 && !served.isKept) {
    waitForHead(look, served.requests);
  }
}

function waitForHead(look: Look, of: number): void {
  look.waitsFor = "head";
  look.of = of;
}

/** It is the client that has to go on: it was told to, and what it has sent has been taken. */
function isBodyDue({ body, isContinueDue }: HttpExchange, isPaused: boolean): boolean {
  if (body === undefined || body.isComplete || body.isLeft) return false;
  return !isPaused && !body.isFull && (!isContinueDue || body.received > 0);
}

/** How a connection ends at each timeout; false when it does not, because something has come at the last moment. */
const CUTS: Readonly<Record<ClientTimeout, (connection: EngineConnection, served: Served) => boolean>> = {
  headers(connection, served) {
    if (served.state.isBegun) served.refuseHead(REFUSALS.headTimeout);
    // Of one that has said nothing nobody expects a reply; browsers connect ahead of need.
    else closeUnlessRead(connection);
    return served.isThrough || connection.socket.destroyed;
  },
  body(_, served) {
    if (served.incoming !== undefined) served.giveUp(served.incoming, REFUSALS.bodyTimeout);
    return true;
  },
  response(_, served) {
    if (served.front !== undefined) served.giveUp(served.front, REFUSALS.responseTimeout);
    return true;
  },
  send({ socket }, served) {
    resetSocket(socket);
    served.gone();
    return true;
  },
};
