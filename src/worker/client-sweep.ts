/**
 * Looks at every connection of the worker in turns, and closes those whose client, or whose application, has kept them
 * waiting for too long. One timer for all: it has nothing to do with a request's own path.
 */

import { withoutQuery } from "../gateway/request-target.ts";
import type { LogFields } from "../logger.ts";
import { type ClientTimeout, type ClientWatch, judge, judgeQueue, type Look, newWatch } from "./client-timeouts.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { sendQueues, socketInode } from "./send-queues.ts";
import type { TalliedLog } from "./tallied-log.ts";

/** A timeout is late by two turns at most: by 5 %. */
const TURNS_A_TIMEOUT = 40;
const PAUSES_A_SWEEP = 200;
const LONGEST_TURN_MS = 1000;
const SHORTEST_TURN_MS = 20;
/** What a client that was cut may take to read why and to close. */
const LONGEST_FAREWELL_MS = 10_000;

export interface SweepOptions {
  readonly connections: Connections;
  /** The timeouts that were cut at. */
  readonly cuts: TalliedLog;
  /** Called each turn, about once a second or more often. */
  readonly turned: (now: number) => void;
}

export class ClientSweep {
  readonly #options: SweepOptions;
  readonly #look: Look = { waitsFor: "nothing", of: undefined, bytesRead: 0, hasUnsent: false, bytesTaken: 0 };
  /** Of whom the kernel will be asked. */
  #asking: Connection[] = [];
  #askAgainAt = 0;
  #sweepMs = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Goes on until the process ends. */
  start(): void {
    const { connections } = this.#options;
    const shortestMs = connections.size === 0 ? Infinity : connections.shortestLimitMs;
    const delayMs = turnMs(shortestMs, this.#sweepMs);
    connections.clock.turn(delayMs);
    const turn = (): void => {
      this.start();
      // Right after a poll: what lay in the kernel has been read, and is no silence of its client's.
      setImmediate(() => this.#sweep());
    };
    setTimeout(turn, delayMs).unref();
  }

  #sweep(): void {
    const { connections, turned } = this.#options;
    const { now } = connections.clock;
    const startedAt = performance.now();
    for (const connection of connections.all()) this.#judge(connection, now);
    if (this.#asking.length > 0 && now >= this.#askAgainAt) void this.#ask(this.#asking.splice(0), now);
    this.#asking = [];
    turned(now);
    this.#sweepMs = performance.now() - startedAt;
  }

  #judge(connection: Connection, now: number): void {
    const { limits, socket } = connection;
    if (limits === undefined || connection.isAtRest || connection.isOffered || socket.destroyed) return;
    const watch = (connection.watch ??= newWatch(connection.openedAt));
    if (watch.cutAt !== undefined) {
      if (now - watch.cutAt > LONGEST_FAREWELL_MS) socket.destroy();
      return;
    }
    const look = this.#look;
    connection.lookAt(look);
    const verdict = judge(watch, look, limits, now);
    if (verdict === "ask") this.#asking.push(connection);
    else if (verdict !== undefined) this.#cut(connection, watch, verdict, now);
  }

  /** The table is long where there are many connections, so it is not read at every turn. */
  async #ask(asking: readonly Connection[], now: number): Promise<void> {
    this.#askAgainAt = Infinity;
    const inodes = new Map(asking.map((connection) => [connection, socketInode(connection.transport)]));
    const known = new Set([...inodes.values()].filter((inode) => inode !== undefined));
    const queues = known.size === 0 ? undefined : await sendQueues(known);
    const { clock } = this.#options.connections;
    for (const [connection, inode] of inodes) {
      const { watch, limits, socket } = connection;
      if (watch?.cutAt !== undefined || watch === undefined || limits === undefined || socket.destroyed) continue;
      const queued = inode === undefined ? undefined : queues?.get(inode);
      const verdict = judgeQueue(watch, queued, limits, clock.now);
      if (verdict !== undefined) this.#cut(connection, watch, verdict, clock.now);
    }
    this.#askAgainAt = now + (asking[0]?.limits?.sendMs ?? 0) / TURNS_A_TIMEOUT;
  }

  #cut(connection: Connection, watch: ClientWatch, timeout: ClientTimeout, now: number): void {
    const latest = describe(connection);
    if (!connection.cut(timeout)) return;
    watch.cutAt = now;
    this.#options.cuts.count(timeout, { timeout: `${timeout}-timeout` }, latest);
  }
}

/** Until the next turn. Where there are so many connections that a look at them all takes long, it is taken less often. */
function turnMs(shortestLimitMs: number, sweepMs: number): number {
  const wanted = Math.max(shortestLimitMs / TURNS_A_TIMEOUT, sweepMs * PAUSES_A_SWEEP);
  return Math.max(SHORTEST_TURN_MS, Math.min(LONGEST_TURN_MS, wanted));
}

/** Who it was, for the log. */
function describe(connection: Connection): LogFields {
  const client = connection.transport.remoteAddress;
  const request = connection.current()?.name();
  return {
    ...(client === undefined ? {} : { client }),
    ...(request === undefined ? {} : { method: request.method, path: withoutQuery(request.target) }),
  };
}
