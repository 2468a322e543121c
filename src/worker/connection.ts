/**
 * A connection of a worker, as a record that hangs on its socket: what is spoken on it, what is in flight and since when
 * it is idle. Who counts them all is `connections.ts`.
 */

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Introduction } from "../messages.ts";
import type { SizeLimits } from "../messages.ts";
import type { ClientLimits, ClientWatch } from "./client-timeouts.ts";
import type { Meter, RequestStats } from "./request-stats.ts";
import type { RequestObserver } from "./request-observer.ts";
import type { Flight } from "./requests-in-flight.ts";

/** How a server's clients are treated; undefined where a limit is the program's own business. */
export interface ServerLimits extends ClientLimits {
  /** Requests in progress in this worker; 0 for any number. */
  readonly concurrency: number;
  readonly sizes: SizeLimits;
}

/** A connection and what is in flight on it. */
export interface Connection extends Flight {
  /** What came from the kernel. */
  readonly transport: Socket;
  /** What HTTP is spoken over: on TLS the encrypted socket, once there is one. */
  socket: Socket;
  /**
   * What is spoken on it at the moment; `proxy` until its proxy has introduced it, `tls` until the handshake is through,
   * `other` after an upgrade.
   */
  speaks: "proxy" | "http" | "tls" | "http2" | "other";
  /** What its proxy has said of it; undefined while it has not, or need not. */
  introduction: Introduction | undefined;
  /** Of the requests in flight, those that count for the limit of concurrency. */
  admitted: number;
  /** The reply whose client waits to be told to send the body. */
  heldBack: ServerResponse | undefined;
  /** The reply that was told to close the connection though its client would have kept it. */
  closing: ServerResponse | undefined;
  /** What comes is no request any more: one was refused and told that it is the last (RFC 9112 section 9.6). */
  isOver: boolean;
  /** What had been read when it was last idle: more than that without a request is the beginning of one. */
  bytesAtRest: number;
  /** Its last reply ended before its request: what is read then is the rest of that. */
  isRestDue: boolean;
  /** Another worker had it before, and it has been idle since it came. */
  readonly isMoved: boolean;
  /** It is being offered to another worker, and nothing is read from it. */
  isOffered: boolean;
  /** Whose it is. */
  readonly server: Server;
  /** When it came, on the coarse clock. */
  readonly openedAt: number;
  /** Told of its requests; undefined where nobody wants to know of them. */
  readonly observer: RequestObserver | undefined;
  /** What is asked of its client; undefined for a server that is not ours to limit. */
  readonly limits: ServerLimits | undefined;
  /** What is known of its client's pace, once somebody has looked. */
  watch: ClientWatch | undefined;
  /** When its last reply ended, if that was during a drain; the drain's beginning for one that was idle then. */
  idleSince: number;
  /** Tells the client, in the words of that protocol, that the server goes away. */
  farewell: (() => void) | undefined;
  /** Where its requests are counted, when somebody wants to know. */
  readonly meter: Meter | undefined;
  readonly owner: { readonly isDraining: boolean; readonly stats: RequestStats | undefined };
}

/** Where a socket keeps its connection: looked up twice a request. */
const CONNECTION: unique symbol = Symbol("tsgate.connection");

interface Tracked {
  [CONNECTION]?: Connection;
}

/** The connection of a socket; undefined when it is nobody's. */
export function connectionOf(socket: Duplex): Connection | undefined {
  return (socket as Tracked)[CONNECTION];
}

export function keepConnection(socket: Socket, connection: Connection): void {
  (socket as Tracked)[CONNECTION] = connection;
}

/** Whether no request is in flight on it, nor one that has begun to arrive, and it is nobody else's. */
export function isIdle({ socket, speaks, inFlight, bytesAtRest, isOffered }: Connection): boolean {
  const isBetweenRequests = inFlight === 0 && (speaks === "http" || speaks === "proxy");
  return isBetweenRequests && socket.bytesRead <= bytesAtRest && !isOffered && !socket.destroyed;
}
