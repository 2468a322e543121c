/**
 * A connection of a worker, as all those see it who count, drain, move and time connections: whose it is, whether it is
 * idle, and what it waits for. What is spoken on it, and how its requests are kept, is the business of its transport:
 * `http-connection.ts` is that of `node:http`.
 */

import type net from "node:net";
import type { Socket } from "node:net";
import type { SizeLimits } from "../boot-order.ts";
import type { Introduction } from "../messages.ts";
import type { ClientLimits, ClientTimeout, ClientWatch, Look } from "./client-timeouts.ts";
import type { RequestUnderway } from "./requests-in-flight.ts";
import type { Meter } from "./request-stats.ts";

/** How a server's clients are treated; undefined where a limit is the program's own business. */
export interface ServerLimits extends ClientLimits {
  /** Requests in progress in this worker; 0 for any number. */
  readonly concurrency: number;
  readonly sizes: SizeLimits;
}

/** What is known of a connection when it comes. */
export interface ConnectionOrigin {
  /** Whose it is. */
  readonly server: net.Server;
  /** When it came, on the coarse clock. */
  readonly openedAt: number;
  /** Another worker had it before. */
  readonly isMoved: boolean;
  /** What its proxy has said of it; undefined while it has not, or need not. */
  readonly introduction: Introduction | undefined;
  /** What is asked of its client; undefined for a server that is not ours to limit. */
  readonly limits: ServerLimits | undefined;
  /** Where its requests are counted, when somebody wants to know. */
  readonly meter: Meter | undefined;
  /** When it was last idle, if it comes during a drain; else 0. */
  readonly idleSince: number;
}

export abstract class Connection {
  /** What came from the kernel. */
  readonly transport: Socket;
  readonly server: net.Server;
  readonly openedAt: number;
  readonly isMoved: boolean;
  introduction: Introduction | undefined;
  readonly limits: ServerLimits | undefined;
  readonly meter: Meter | undefined;
  /** When its last reply ended, if that was during a drain; the drain's beginning for one that was idle then. */
  idleSince: number;
  /** What is known of its client's pace, once somebody has looked. */
  watch: ClientWatch | undefined = undefined;

  constructor(socket: Socket, origin: ConnectionOrigin) {
    this.transport = socket;
    this.server = origin.server;
    this.openedAt = origin.openedAt;
    this.isMoved = origin.isMoved;
    this.introduction = origin.introduction;
    this.limits = origin.limits;
    this.meter = origin.meter;
    this.idleSince = origin.idleSince;
  }

  /** What HTTP is spoken over: on TLS the encrypted socket, once there is one. */
  abstract readonly socket: Socket;
  /** It is being offered to another worker, and nothing is read from it. */
  abstract isOffered: boolean;
  /** Whether no request is in flight on it, nor one that has begun to arrive, and it is nobody else's. */
  abstract readonly isIdle: boolean;
  /** Whether it waits for nothing, as most do that are kept. */
  abstract readonly isAtRest: boolean;
  /** Whether another worker can go on where this one stops. */
  abstract readonly isMovable: boolean;
  /** Its application has put something on its socket, which another worker would not have. */
  abstract readonly isMarked: boolean;
  /** Its proxy has to introduce it before anybody else hears of it. */
  abstract awaitIntroduction(): void;
  /** Its proxy has, in so many bytes. */
  abstract introduced(length: number): void;
  /** Writes into `look` what it waits for. One object does for all: thousands are looked at. */
  abstract lookAt(look: Look): void;
  /** Its client, or its application, took too long. False: something has come at the last moment, and it goes on. */
  abstract cut(timeout: ClientTimeout): boolean;
  /** Serves what was found on it when it should have been closed. */
  abstract takeUnread(bytes: Buffer): void;
  /** The requests in flight on it, oldest first. */
  abstract underway(): readonly RequestUnderway[];
  /** The request whose reply is due, if one is. */
  abstract current(): RequestUnderway | undefined;
  /** From now on each reply is to be the last. */
  abstract beginDrain(now: number): void;
  /** Ends the replies in flight for those who observe them: it has closed, or the process ends. */
  abstract endReplies(): void;
}
