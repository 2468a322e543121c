/**
 * Every connection of a worker, whatever its transport, and how many requests have begun on them. Node does not tell
 * which sockets are silent, idle or upgraded, and its own closing loses requests that are on their way: so they are
 * counted here.
 */

import type net from "node:net";
import type { LogFields } from "../logger.ts";
import { serveConnection } from "../node-handles.ts";
import type { Rejection } from "../worker-stats.ts";
import type { Arrival } from "./arrivals.ts";
import { shortestOf } from "./client-timeouts.ts";
import { CoarseClock } from "./coarse-clock.ts";
import type { Connection, ConnectionOrigin, ServerLimits } from "./connection.ts";
import { type Introductions, nameClient } from "./introductions.ts";
import { listRequests } from "./requests-in-flight.ts";
import type { RequestStats } from "./request-stats.ts";

export class Connections {
  readonly #open = new Set<Connection>();
  readonly clock = new CoarseClock();
  isDraining = false;
  /** Told the number of open connections whenever it changes. */
  countChanged: (count: number) => void = () => {};
  /** Told of each request, before anybody else. */
  onRequest: () => void = () => {};
  /** Told of each request that was refused because it was too large, or one too many. */
  onRefused: (why: Rejection, fields: LogFields, latest: LogFields) => void = () => {};
  #shortestLimitMs = Infinity;
  /** Set before the first connection, or never. */
  stats: RequestStats | undefined;
  /** Each connection has to be introduced by a proxy; undefined where none has. Set before the first, or never. */
  introductions: Introductions | undefined;
  #whenEmpty: (() => void) | undefined;
  /** The connection that is being set up in this turn comes from another worker. */
  #taking: Arrival | undefined;
  /** The connection that is being set up in this turn. */
  arriving: Connection | undefined;
  /** Requests that have begun, upgrades among them. */
  requests = 0;
  #requestsAwaited = 0;
  #requestsReached: () => void = () => {};

  /** From here on clients are held to `limits`, too. */
  limited(limits: ServerLimits): void {
    this.#shortestLimitMs = Math.min(this.#shortestLimitMs, shortestOf(limits));
  }

  /** The shortest of all timeouts that clients are held to. */
  get shortestLimitMs(): number {
    return this.#shortestLimitMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Every connection there is, as they came. */
  all(): Iterable<Connection> {
    return this.#open;
  }

  /** Calls `reached` when the `count`-th request begins; never for 0. */
  whenRequests(count: number, reached: () => void): void {
    this.#requestsAwaited = count;
    this.#requestsReached = reached;
  }

  /** A request has begun. */
  count(): void {
    if (++this.requests === this.#requestsAwaited) this.#requestsReached();
  }

  /** How many requests are in flight, and the `limit` oldest of them. */
  inFlight(limit: number): ReturnType<typeof listRequests> {
    return listRequests(this.#open, limit);
  }

  /** Ends the replies in flight for those who observe them: the process ends. */
  endAll(): void {
    for (const connection of this.#open) connection.endReplies();
  }

  /** A request was refused before an application saw it. */
  refused(why: Rejection, fields: LogFields = { reason: why }, latest: LogFields = {}): void {
    this.stats?.rejected(why);
    this.onRefused(why, fields, latest);
  }

  /** What is known of the connection that is coming to `server`. */
  originOf(server: net.Server, socket: net.Socket, limits: ServerLimits | undefined): ConnectionOrigin {
    return {
      server,
      limits,
      openedAt: this.clock.now,
      isMoved: this.#taking !== undefined,
      introduction: this.#taking?.introduction,
      meter: this.stats?.opened(socket, this.#taking === undefined),
      idleSince: this.isDraining ? performance.now() : 0,
    };
  }

  /** Counts it until it closes. `enter` is called once its client is known: at once, or when its proxy has said so. */
  add(connection: Connection, enter: () => boolean): boolean {
    this.arriving = connection;
    this.#open.add(connection);
    this.countChanged(this.#open.size);
    connection.transport.on("close", () => this.#closed(connection));
    return this.#isIntroduced(connection) ? enter() : this.#introduce(connection, enter);
  }

  /** From now on each reply says `Connection: close`, those that have begun and not yet sent their head included. */
  beginDrain(): void {
    this.isDraining = true;
    const now = performance.now();
    for (const connection of this.#open) connection.beginDrain(now);
  }

  /** Serves on `server` an idle connection that another worker had. */
  take(server: net.Server, arrival: Arrival): void {
    this.#taking = arrival;
    try {
      serveConnection(server, arrival.handle);
    } finally {
      this.#taking = undefined;
    }
  }

  destroyAll(): void {
    for (const { socket } of this.#open) socket.destroy();
  }

  /** Resolves when no connection is left. */
  async empty(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  #closed(connection: Connection): void {
    this.#open.delete(connection);
    this.countChanged(this.#open.size);
    connection.endReplies();
    if (connection.meter !== undefined) this.stats?.closed(connection.meter);
    if (this.#open.size === 0) this.#whenEmpty?.();
  }

  /** Whether nobody has to say whose it is, or somebody has, to the worker that had it before. */
  #isIntroduced({ introduction, limits, transport }: Connection): boolean {
    if (introduction !== undefined) nameClient(transport, introduction);
    return this.introductions === undefined || introduction !== undefined || limits === undefined;
  }

  /** Waits for a proxy to say whose it is before anybody else hears of it. */
  #introduce(connection: Connection, enter: () => boolean): true {
    connection.awaitIntroduction();
    this.introductions?.hear(connection.transport, (introduction, length) => {
      connection.introduction = introduction;
      connection.introduced(length);
      this.arriving = connection;
      enter();
    });
    return true;
  }
}
