/**
 * The story of a reload: read everything afresh, begin a generation, promote it when its canary has proven itself, and
 * say how it went. A failure on the way leaves what serves as it is. The first start is a rollout like any other, but
 * that its failure halts the server.
 */

import type { LogFields, WriteRecord } from "../logger.ts";
import { messageOf } from "../errors.ts";
import type { ReloadOutcome } from "./events.ts";
import { runHook } from "./hooks.ts";
import type { Journal } from "./journal.ts";
import { prepareNextRelease, type ReadConfiguration, type Release } from "./release.ts";
import type { Releases } from "./releases.ts";
import { afterFailure, isEverySeatServed, nextStep } from "./rollout.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface ReloadOptions {
  readonly pool: WorkerPool;
  readonly releases: Releases;
  readonly journal: Journal;
  readonly log: WriteRecord;
  readonly readConfiguration: ReadConfiguration;
  /** Told what was read, as an event. */
  readonly prepared: (request: number, outcome: ReloadOutcome) => void;
  /** A generation was promoted: its release is in force in the place of `before`. */
  readonly promoted: (before: Release) => void;
}

/** How a reload ended. `stack` is that of the user's own error. */
export type ReloadResult =
  | {
      readonly ok: true;
      readonly generation: number;
      readonly tookMs: number;
      /** Settings that have changed, and keep their value until a restart. */
      readonly needsRestart?: readonly string[];
    }
  | { readonly ok: false; readonly generation: number; readonly error: string; readonly stack?: string };

/** Somebody who wants to know how the reload with the number `request` ends. */
interface Waiter {
  readonly request: number;
  readonly tell: (result: ReloadResult) => void;
}

export class Reload {
  readonly #options: ReloadOptions;
  readonly #waiters = new Set<Waiter>();
  #newestRequest = 0;
  /** The request that the current rollout came from. */
  #rolloutRequest = 0;
  #hasBeenReady = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  /**
   * Reads configuration and module afresh; nothing changes by it.
   * @param tell how it ended; where a newer reload overtakes it, how that one did
   */
  prepare(tell?: (result: ReloadResult) => void): void {
    const { pool, prepared, readConfiguration, releases } = this.#options;
    const request = ++this.#newestRequest;
    if (tell !== undefined) this.#waiters.add({ request, tell });
    prepareNextRelease(readConfiguration, releases.current(pool)).then(
      (release) => prepared(request, { release }),
      (error: unknown) => prepared(request, { error }),
    );
  }

  /** Begins a new generation with what was read, or says why not. */
  begin(request: number, outcome: ReloadOutcome, now: number): void {
    const { pool, releases, journal, log } = this.#options;
    // Only the newest request counts; what an older one found is out of date.
    if (request !== this.#newestRequest || pool.stop !== undefined) return;
    if ("error" in outcome) {
      const error = messageOf(outcome.error);
      const generation = releases.newest + 1;
      journal.reloadFailed(generation, error);
      return this.#tell((waiter) => waiter.request > this.#rolloutRequest, { ok: false, generation, error });
    }
    const { release } = outcome;
    const overtaken = pool.rollout;
    this.#rolloutRequest = request;
    this.start(release, now);
    if (overtaken !== undefined && !overtaken.isFirstStart)
      journal.reload("superseded", overtaken.generation, { by: releases.newest });
    journal.reload("started", releases.newest, needsRestartFields(release));
    void runHook(release.configuration.hooks, "onReload", log);
  }

  /** Begins a generation: at the first start, and at each reload. */
  start(release: Release, now: number): void {
    const { pool, releases } = this.#options;
    pool.beginRollout(releases.add(release), now);
  }

  /**
   * Takes the rollout's next step, if it is time for one.
   * @param isDeadline only then a reload's first worker has passed: its end may else be the next thing that is heard
   */
  advance(now: number, isDeadline: boolean): void {
    const { pool, releases, promoted } = this.#options;
    const { rollout } = pool;
    if (rollout === undefined) {
      // A broken reload may have ended the first start in its place.
      if (!this.#hasBeenReady && pool.stop === undefined && isEverySeatServed(pool)) this.#tellReady();
      return;
    }
    switch (nextStep(pool, now)) {
      case "promote": {
        if (!isDeadline && !rollout.isFirstStart) return;
        const before = releases.current(pool);
        pool.promoteRollout();
        return promoted(before);
      }
      case "done":
        pool.endRollout();
        releases.forgetOlderThan(pool.generation);
        // Also when a reload came before the first start was through.
        this.#tellReady();
        if (!rollout.isFirstStart) this.#done(rollout.generation, Math.round(now - rollout.startedAt));
        return;
      case "wait":
        return;
    }
  }

  #tellReady(): void {
    if (this.#hasBeenReady) return;
    this.#hasBeenReady = true;
    const { pool, releases, log } = this.#options;
    void runHook(releases.current(pool).configuration.hooks, "whenReady", log);
  }

  /** Whether the end of a worker of `generation` halts the server: it was to be the first that serves. */
  isHaltedBy(generation: number): boolean {
    return afterFailure(this.#options.pool.rollout, generation) === "halt";
  }

  /** Whether it ends the rollout, one way or the other, which says why in its own words. */
  isEndedBy(generation: number): boolean {
    const consequence = afterFailure(this.#options.pool.rollout, generation);
    return consequence === "halt" || consequence === "abort";
  }

  /** A worker of `generation` failed: counts it against the rollout, or ends that. */
  failed(generation: number, error: string, stack: string | undefined): void {
    const { pool, journal } = this.#options;
    const consequence = afterFailure(pool.rollout, generation);
    if (consequence === "count") pool.countRolloutFailure();
    if (consequence !== "abort") return;
    pool.endRollout();
    journal.reloadFailed(generation, error, stack);
    this.#tellRollout({ ok: false, generation, error, ...(stack === undefined ? {} : { stack }) });
  }

  /** The server stops: no reload that has begun comes to its end. */
  stopped(): void {
    const { generation } = this.#options.pool;
    this.#tell(() => true, { ok: false, generation, error: "the server is stopping" });
  }

  #done(generation: number, tookMs: number): void {
    this.#options.journal.reload("done", generation, { tookMs });
    const { needsRestart } = this.#options.releases.of(generation);
    this.#tellRollout({ ok: true, generation, tookMs, ...(needsRestart.length === 0 ? {} : { needsRestart }) });
  }

  #tellRollout(result: ReloadResult): void {
    this.#tell((waiter) => waiter.request <= this.#rolloutRequest, result);
  }

  #tell(concerns: (waiter: Waiter) => boolean, result: ReloadResult): void {
    for (const waiter of this.#waiters) {
      if (!concerns(waiter)) continue;
      this.#waiters.delete(waiter);
      waiter.tell(result);
    }
  }
}

function needsRestartFields({ needsRestart }: Release): LogFields {
  return needsRestart.length === 0 ? {} : { needsRestart };
}
