/**
 * Tells the master what this worker has done and how busy it is: once a second while something happens, less often
 * while nothing does, and a last time when the process ends, whatever ends it.
 */

import { LoadSampler, startSampling } from "../process-load.ts";
import type { WorkerStats } from "../worker-stats.ts";
import { droppedRecords, report } from "./channel.ts";
import type { Connections } from "./connections.ts";
import type { RequestStats } from "./request-stats.ts";

const REPORT_EVERY_MS = 1000;
/** A worker that does nothing is heard of once in so many turns. */
const QUIET_TURNS = 5;
/** A loop that is busy for less than this share of the time does nothing. */
const QUIET_UTILIZATION = 0.02;

/** Begins to report; what it needs is loaded only now. */
export async function reportStats(stats: RequestStats, connections: Connections): Promise<void> {
  new StatsReporter(stats, connections, await startSampling()).start();
}

/** Which turns are told: each in which something happened, the first quiet one after it, and of the others every fifth. */
export class ReportSchedule {
  #quietTurns = 0;

  /** Asked once a turn. */
  isDue(isQuiet: boolean): boolean {
    if (!isQuiet) this.#quietTurns = 0;
    return !isQuiet || this.#quietTurns++ % QUIET_TURNS === 0;
  }
}

class StatsReporter {
  readonly #stats: RequestStats;
  readonly #connections: Connections;
  readonly #sampler: LoadSampler;
  readonly #schedule = new ReportSchedule();
  #last = "";
  #takenAt = 0;

  constructor(stats: RequestStats, connections: Connections, sampler: LoadSampler) {
    this.#stats = stats;
    this.#connections = connections;
    this.#sampler = sampler;
  }

  start(): void {
    setInterval(() => this.#turn(), REPORT_EVERY_MS).unref();
    process.once("exit", () => this.#report(this.#take()));
    this.#turn();
  }

  #turn(): void {
    const taken = this.#take();
    const { totals, inFlight, connections, load } = taken;
    const now = JSON.stringify([totals, inFlight, connections]);
    const isQuiet = now === this.#last && load.utilization < QUIET_UTILIZATION;
    this.#last = now;
    if (this.#schedule.isDue(isQuiet)) this.#report(taken);
  }

  #take(): WorkerStats {
    const now = performance.now();
    const sinceMs = now - this.#takenAt;
    this.#takenAt = now;
    return {
      sinceMs,
      totals: this.#stats.totals(droppedRecords()),
      inFlight: this.#stats.inFlight,
      connections: this.#connections.size,
      load: this.#sampler.sample(),
    };
  }

  #report(stats: WorkerStats): void {
    report({ tsgate: "stats", stats });
  }
}
