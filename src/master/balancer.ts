/**
 * Keeps what the workers tell of their load, and has those pause that hold more than their share. Who that is, the policy
 * in `balance.ts` says. A worker that is ready and of a generation that has proven itself takes part; a canary only
 * accepts.
 */

import { NEVER } from "../deadline.ts";
import type { WorkerLoad } from "../worker-load.ts";
import { type BalanceChange, nextChange } from "./balance.ts";
import type { Crew } from "./crew.ts";
import type { Holder } from "./evening.ts";
import type { Journal } from "./journal.ts";
import { isReady, type WorkerRecord } from "./model.ts";
import type { WorkerPool } from "./worker-pool.ts";
import { heartbeatMs } from "./watchdog.ts";

export interface BalancerOptions {
  readonly pool: Pick<WorkerPool, "generation" | "target" | "worker" | "workers">;
  readonly crew: Pick<Crew, "send">;
  readonly journal: Pick<Journal, "paused" | "resumed">;
}

/** What is known of a worker that takes part. */
interface Seat {
  readonly load: WorkerLoad;
  readonly heardAt: number;
  readonly isPaused: boolean;
  readonly pausedAt: number;
  /** It was told to report its load between heartbeats. */
  readonly isReporting: boolean;
}

/** A heartbeat that is late by more than this is missing. */
const TOLERATED_SILENCE_MS = 300;

export class Balancer {
  readonly #options: BalancerOptions;
  readonly #seats = new Map<number, Seat>();

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  /** A worker has told its load. */
  heard(id: number, load: WorkerLoad, now: number): void {
    const seat = this.#seats.get(id);
    const { connections, open, utilization, isAccepting, isFull } = load;
    if (seat !== undefined && [connections, open, utilization].every(Number.isFinite))
      this.#seats.set(id, { ...seat, load: { connections, open, utilization, isAccepting, isFull }, heardAt: now });
  }

  /** Has workers pause and go on until they hold what they should. */
  settle(now: number): void {
    const workers = this.#seated(now);
    for (;;) {
      const members = workers.map((worker) => this.#member(worker, now));
      const change = nextChange(members, now);
      if (change === undefined) return;
      this.#perform(change, now);
    }
  }

  /**
   * Who would best take a connection that `origin` gives away: of those that stay the least loaded; before nobody does,
   * one that is to leave soon; nobody of `late`. It counts as taken.
   */
  takerBeside(origin: number, late: ReadonlySet<number>, now: number): number | undefined {
    const able = this.#seated(now).filter((worker) => {
      const { isFull, isSilent } = this.#member(worker, now);
      return worker.id !== origin && !late.has(worker.id) && !isFull && !isSilent;
    });
    const staying = able.filter(
      (one) => one.generation === this.#options.pool.generation && one.unwanted === undefined,
    );
    const [taker] = (staying.length > 0 ? staying : able)
      .map(({ id }) => ({ id, seat: this.#seats.get(id) ?? newSeat(now) }))
      .sort((a, b) => a.seat.load.connections - b.seat.load.connections);
    if (taker === undefined) return undefined;
    this.promised(taker.id);
    return taker.id;
  }

  /** The worker gets a connection of another: until it tells its load again it counts as one more. */
  promised(id: number): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    const { connections, open } = seat.load;
    this.#seats.set(id, { ...seat, load: { ...seat.load, connections: connections + 1, open: open + 1 } });
  }

  /** What those hold that take part. */
  holders(now: number): Holder[] {
    return this.#seated(now).map((worker) => this.#member(worker, now));
  }

  /** Whether somebody else than `origin` could take a connection who may only have nothing to say at the moment. */
  mayTakeLater(origin: number, now: number): boolean {
    return this.#seated(now).some((worker) => worker.id !== origin && !this.#member(worker, now).isFull);
  }

  /** When a worker that the paused ones rely on will have been silent for too long. */
  looksAgainAt(now: number): number {
    const { pool } = this.#options;
    if (![...this.#seats.values()].some(({ isPaused }) => isPaused)) return NEVER;
    const instants = pool.workers.map((worker) => silentAt(worker, this.#seats.get(worker.id)));
    return Math.min(NEVER, ...instants.filter((instant) => instant > now));
  }

  /** Those that take part; their seats and no others are kept. */
  #seated(now: number): WorkerRecord[] {
    const { pool } = this.#options;
    const workers = pool.workers.filter((one) => isReady(one) && !one.isKilled && one.generation <= pool.generation);
    const ids = new Set(workers.map(({ id }) => id));
    for (const id of this.#seats.keys()) if (!ids.has(id)) this.#seats.delete(id);
    for (const id of ids) this.#enlist(id, pool.target > 1, now);
    return workers;
  }

  #enlist(id: number, isWanted: boolean, now: number): void {
    const seat = this.#seats.get(id) ?? newSeat(now);
    this.#seats.set(id, { ...seat, isReporting: isWanted });
    if (seat.isReporting !== isWanted) this.#options.crew.send(id, { tsgate: "report-load", isWanted });
  }

  #member(worker: WorkerRecord, now: number): Holder {
    const seat = this.#seats.get(worker.id) ?? newSeat(now);
    const { load, heardAt, isPaused, pausedAt } = seat;
    return { id: worker.id, ...load, heardAt, isPaused, pausedAt, isSilent: silentAt(worker, seat) <= now };
  }

  #perform({ do: what, id }: BalanceChange, now: number): void {
    const { pool, crew, journal } = this.#options;
    const [seat, worker] = [this.#seats.get(id), pool.worker(id)];
    if (seat === undefined || worker === undefined) return;
    const isPaused = what === "pause";
    this.#seats.set(id, { ...seat, isPaused, pausedAt: isPaused ? now : seat.pausedAt });
    crew.send(id, { tsgate: what });
    if (isPaused) journal.paused(worker, seat.load.connections);
    else journal.resumed(worker, seat.load.connections);
  }
}

/** A worker that has just become ready: it listens. */
function newSeat(now: number): Seat {
  const load = { connections: 0, open: 0, utilization: 0, isAccepting: true, isFull: false };
  return { load, heardAt: now, isPaused: false, pausedAt: Number.NEGATIVE_INFINITY, isReporting: false };
}

/** When a worker from which nothing more is heard counts as standing still. */
function silentAt({ limits }: WorkerRecord, seat: Seat | undefined): number {
  return seat === undefined ? NEVER : seat.heardAt + heartbeatMs(limits.heartbeatTimeoutMs) + TOLERATED_SILENCE_MS;
}
