/** What follows when a worker's process has ended: who has to forget it, what is said of it, and what its failure fails. */

import { monotonicNow } from "../deadline.ts";
import type { WriteRecord } from "../logger.ts";
import { workerInfo } from "./boot-order.ts";
import type { Crew } from "./crew.ts";
import { isBegunByWorker } from "./exit-cause.ts";
import { describeFailure, haltError } from "./failure-report.ts";
import { runHook } from "./hooks.ts";
import type { Journal } from "./journal.ts";
import type { LogReopening } from "./log-reopening.ts";
import type { Departure } from "./model.ts";
import type { Moves } from "./moves.ts";
import type { OomKills } from "./oom-kills.ts";
import type { Releases } from "./releases.ts";
import type { Reload } from "./reload.ts";
import type { Stacks } from "./stacks.ts";
import type { Stopping } from "./stopping.ts";
import type { Telemetry } from "./telemetry.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface DeparturesOptions {
  readonly pool: WorkerPool;
  readonly crew: Crew;
  readonly moves: Moves;
  readonly reopening: LogReopening;
  readonly journal: Journal;
  readonly releases: Releases;
  readonly reload: Reload;
  readonly stopping: Stopping;
  readonly stacks: Stacks;
  readonly telemetry: Telemetry | undefined;
  readonly oomKills: OomKills;
  readonly log: WriteRecord;
}

export class Departures {
  readonly #options: DeparturesOptions;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** The process of worker `id` has ended. */
  exited(id: number, code: number | null, signal: string | null): void {
    const { pool, crew, moves, reopening, journal, releases, reload, stacks, telemetry, oomKills, log } = this.#options;
    crew.forget(id);
    moves.gone(id);
    reopening.gone(id);
    const now = monotonicNow();
    const isOomKill = signal === "SIGKILL" && pool.worker(id)?.isKilled === false && oomKills.explains(now);
    const departure = pool.exited(id, code, signal, now, Math.random(), isOomKill);
    if (departure === undefined) return;
    const isSaidElsewhere = departure.isAbnormal && reload.isEndedBy(departure.worker.generation);
    journal.gone(departure, { code, signal, isOomKill }, isSaidElsewhere);
    journal.replacementFailed(departure);
    stacks.gone(departure.worker);
    telemetry?.gone(departure.worker);
    if (departure.isAbnormal) this.#failed(departure, code, signal);
    const { hooks } = releases.current(pool).configuration;
    void runHook(hooks, "childExit", log, workerInfo(departure.worker), code, signal);
  }

  #failed(departure: Departure, code: number | null, signal: string | null): void {
    // It was a failure when it began; this is only its end.
    if (isBegunByWorker(departure.lastState)) return;
    const { releases, reload, stopping } = this.#options;
    const { generation, failure } = departure.worker;
    const release = releases.of(generation);
    if (reload.isHaltedBy(generation)) return stopping.halt(haltError(departure, code, signal, release));
    reload.failed(generation, describeFailure(departure, code, signal, release), failure?.stack);
  }
}
