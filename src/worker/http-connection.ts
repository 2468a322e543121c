/**
 * A connection of `node:http`, as a record that hangs on its socket: what is spoken on it and what is in flight. Who
 * listens to its server is `http-tracking.ts`.
 */

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CUTS } from "./client-cuts.ts";
import { currentReply, isAtRest, lookAt } from "./client-look.ts";
import type { ClientTimeout, Look } from "./client-timeouts.ts";
import { Connection, type ConnectionOrigin } from "./connection.ts";
import { isMarked, statusSent } from "../node-http.ts";
import { canTakeOver } from "./handover.ts";
import type { RequestObserver } from "./request-observer.ts";
import type { RequestStats } from "./request-stats.ts";
import { type Flight, repliesInFlight, type RequestUnderway, underway, underwayOn } from "./requests-in-flight.ts";

/** Who tracks it. */
interface HttpOwner {
  readonly isDraining: boolean;
  readonly stats: RequestStats | undefined;
}

export class HttpConnection extends Connection implements Flight {
  override socket: Socket;
  readonly owner: HttpOwner;
  /** Told of its requests; undefined where nobody wants to know of them. */
  readonly observer: RequestObserver | undefined;
  /**
   * What is spoken on it at the moment; `proxy` until its proxy has introduced it, `tls` until the handshake is through,
   * `other` after an upgrade.
   */
  speaks: "proxy" | "http" | "tls" | "http2" | "other" = "http";
  override isOffered = false;
  inFlight = 0;
  newest: ServerResponse | undefined = undefined;
  newestAt = 0;
  others: Map<ServerResponse, number> | undefined = undefined;
  /** A request has come on it. */
  isUsed = false;
  /** Of the requests in flight, those that count for the limit of concurrency. */
  admitted = 0;
  /** The reply whose client waits to be told to send the body. */
  heldBack: ServerResponse | undefined = undefined;
  /** The reply that was told to close the connection though its client would have kept it. */
  closing: ServerResponse | undefined = undefined;
  /** What comes is no request any more: one was refused and told that it is the last (RFC 9112 section 9.6). */
  isOver = false;
  /** What had been read when it was last idle: more than that without a request is the beginning of one. */
  bytesAtRest = 0;
  /** Its last reply ended before its request: what is read then is the rest of that. */
  isRestDue = false;
  /** Tells the client, in the words of that protocol, that the server goes away. */
  farewell: (() => void) | undefined = undefined;

  constructor(socket: Socket, origin: ConnectionOrigin, owner: HttpOwner, observer: RequestObserver | undefined) {
    super(socket, origin);
    this.socket = socket;
    this.owner = owner;
    this.observer = observer;
  }

  override get isIdle(): boolean {
    const { socket, speaks } = this;
    const isBetweenRequests = this.inFlight === 0 && (speaks === "http" || speaks === "proxy");
    return isBetweenRequests && socket.bytesRead <= this.bytesAtRest && !this.isOffered && !socket.destroyed;
  }

  override get isAtRest(): boolean {
    return this.speaks === "other" || isAtRest(this);
  }

  /** What an application listens to besides on its server's connections, another worker's may have to hear from the beginning. */
  override get isMovable(): boolean {
    return this.limits !== undefined && this.socket === this.transport && canTakeOver(this.server);
  }

  override get isMarked(): boolean {
    return isMarked(this.transport);
  }

  override awaitIntroduction(): void {
    this.speaks = "proxy";
  }

  override introduced(length: number): void {
    this.speaks = "http";
    this.bytesAtRest = length;
  }

  override lookAt(look: Look): void {
    lookAt(this, look);
  }

  override cut(timeout: ClientTimeout): boolean {
    return CUTS[timeout](this);
  }

  override takeUnread(bytes: Buffer): void {
    this.socket.emit("data", bytes);
  }

  override underway(): readonly RequestUnderway[] {
    return underwayOn(this);
  }

  override current(): RequestUnderway | undefined {
    const reply = currentReply(this);
    return reply && underway(reply, this.newestAt);
  }

  /** Another protocol has it from here on: it is busy until it closes. */
  takenOver(speaks: "http2" | "other", farewell: (() => void) | undefined): void {
    this.speaks = speaks;
    this.farewell = farewell;
    if (this.owner.isDraining) farewell?.();
  }

  override beginDrain(now: number): void {
    this.idleSince = now;
    if (this.inFlight > 0 && this.newest !== undefined) this.announceClose(this.newest);
    this.farewell?.();
  }

  /** Of several pipelined replies only the last may close, or the others would be lost behind it. */
  announceClose(response: ServerResponse): void {
    if (this.closing !== undefined && this.closing !== response) this.closing.shouldKeepAlive = true;
    this.closing = response.shouldKeepAlive ? response : undefined;
    response.shouldKeepAlive = false;
  }

  /** Of a reply that stands in line behind another Node does not tell that its connection has closed. */
  override endReplies(): void {
    const { observer, meter, owner } = this;
    if (this.inFlight === 0 || (observer === undefined && meter === undefined)) return;
    const now = performance.now();
    for (const response of repliesInFlight(this)) {
      observer?.ended(response, now);
      if (meter !== undefined) owner.stats?.end(meter, response, statusSent(response), now);
    }
  }
}
