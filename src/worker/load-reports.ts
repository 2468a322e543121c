/**
 * What a worker tells of its load, and when it does between two heartbeats: as soon as its connections have changed by
 * enough to matter, at most every ten milliseconds, not at all while they are few, and only when the master has asked
 * for it. Connections that come and go quickly are no load to balance: what is told does not follow them.
 */

import type { EventLoopUtilization } from "node:perf_hooks";
import { FEW_CONNECTIONS, type WorkerLoad } from "../worker-load.ts";

export interface LoadReportsOptions {
  readonly admission: () => Pick<WorkerLoad, "isAccepting" | "isFull">;
  readonly tell: (load: WorkerLoad) => void;
}

const TELL_EVERY_MS = 10;
/** The least change that matters, and the least as a share of what was told last. */
const LEAST_CHANGE = 2;
const LEAST_SHARE = 1 / 32;
/** No more matters than what so many seconds of closing connections make up for. */
const CLOSING_SECONDS = 1 / 8;
const SECOND_MS = 1000;
/** How busy the loop is, is measured over no less than this. */
const BUSY_WINDOW_MS = 200;

export class LoadReports {
  readonly #options: LoadReportsOptions;
  readonly #utilization = utilization();
  #isWanted = false;
  #count = 0;
  #told = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** Connections that have closed in this second, and in the one before. */
  #closed = 0;
  #closedBefore = 0;
  #secondEndsAt = 0;

  constructor(options: LoadReportsOptions) {
    this.#options = options;
  }

  /** The load as it is to be told now. */
  take(): WorkerLoad {
    const now = performance.now();
    if (this.#isNews()) this.#told = this.#count;
    this.#toldAt = now;
    if (now >= this.#secondEndsAt) {
      this.#closedBefore = this.#closed;
      this.#closed = 0;
      this.#secondEndsAt = now + SECOND_MS;
    }
    return {
      connections: this.#told,
      open: this.#count,
      utilization: this.#utilization(now),
      ...this.#options.admission(),
    };
  }

  /** From here on changes are told, or no longer. */
  want(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.tell();
  }

  /** Tells the load at once. */
  tell(): void {
    if (this.#isWanted) this.#options.tell(this.take());
  }

  /** To be told of each connection that comes or goes. */
  countChanged(count: number): void {
    if (count < this.#count) this.#closed++;
    this.#count = count;
    if (!this.#isWanted || this.#timer !== undefined || !this.#isNews()) return;
    const waitMs = this.#toldAt + TELL_EVERY_MS - performance.now();
    if (waitMs <= 0) return this.tell();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isNews()) this.tell();
    }, waitMs).unref();
  }

  #isNews(): boolean {
    const change = Math.abs(this.#count - this.#told);
    if (change < LEAST_CHANGE || Math.max(this.#count, this.#told) < FEW_CONNECTIONS) return false;
    return change >= this.#told * LEAST_SHARE && change >= Math.max(this.#closed, this.#closedBefore) * CLOSING_SECONDS;
  }
}

/** Measures, from the first call on, for how much of the time the event loop has been busy lately. */
function utilization(): (now: number) => number {
  let before: EventLoopUtilization | undefined;
  let measuredAt = 0;
  let share = 0;
  return (now) => {
    if (before !== undefined && now < measuredAt + BUSY_WINDOW_MS) return share;
    const current = performance.eventLoopUtilization();
    if (before !== undefined)
      share = Math.round(performance.eventLoopUtilization(current, before).utilization * 1000) / 1000;
    before = current;
    measuredAt = now;
    return share;
  };
}
