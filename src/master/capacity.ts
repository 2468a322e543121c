/** How many workers there are to be, and the limits that follow from that number: at the start, when scaled, after a reload. */

import type { Settings } from "../config/types.ts";
import type { WriteRecord } from "../logger.ts";
import { workerLimits } from "./boot-order.ts";
import { runHook } from "./hooks.ts";
import type { Journal } from "./journal.ts";
import type { PoolLimits } from "./model.ts";
import type { Release } from "./release.ts";
import type { Releases } from "./releases.ts";
import { resize, surgeFor, targetAfterReload } from "./scaling.ts";
import type { WorkerPool } from "./worker-pool.ts";

interface CapacityOptions {
  readonly pool: WorkerPool;
  readonly releases: Releases;
  readonly journal: Journal;
  readonly log: WriteRecord;
}

export class Capacity {
  readonly #options: CapacityOptions;

  constructor(options: CapacityOptions) {
    this.#options = options;
  }

  /** By one worker more, or less. */
  change(by: 1 | -1): void {
    this.set(resize(this.#options.pool.target, by));
  }

  /** A new release is in force: its limits hold, and its number of workers, unless it was scaled and has not changed. */
  promoted(before: Release): void {
    const { pool, releases } = this.#options;
    const settings = releases.settings(pool);
    const target = targetAfterReload(pool.target, before.configuration.settings.workers, settings.workers);
    pool.resize(pool.target, poolLimits(settings, target));
    this.set(target);
  }

  /** `target` workers, at least one; nothing while the server stops. */
  set(target: number): void {
    const { pool, releases, journal, log } = this.#options;
    const before = pool.target;
    if (target === before || pool.stop !== undefined) return;
    pool.resize(target, poolLimits(releases.settings(pool), target));
    journal.resized(target);
    void runHook(releases.current(pool).configuration.hooks, "workersChanged", log, target, before);
  }
}

/** What a pool of `target` workers goes by. */
export function poolLimits(settings: Settings, target: number): PoolLimits {
  return { surge: surgeFor(settings.surge, target), ...workerLimits(settings) };
}
