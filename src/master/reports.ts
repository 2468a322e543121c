/**
 * What a worker's reports mean: each is recorded in the pool, told to the journal, answered where it asks for an
 * answer, and held against the rollout where it is a failure. Decides nothing beyond that.
 */

import { settingMisfit } from "../config/kind-check.ts";
import { monotonicNow } from "../deadline.ts";
import { assertNever } from "../errors.ts";
import type { ApplicationInfo, DrainReason, Report } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import type { Balancer } from "./balancer.ts";
import { bootOrder } from "./boot-order.ts";
import type { Crew } from "./crew.ts";
import { bootFailure } from "./failure-report.ts";
import type { Evener } from "./evener.ts";
import type { Journal } from "./journal.ts";
import type { Holdings } from "./holdings.ts";
import { type WorkerRecord, TERM_SETTLE_MS } from "./model.ts";
import type { Moves } from "./moves.ts";
import type { OomKills } from "./oom-kills.ts";
import type { Releases } from "./releases.ts";
import type { LogReopening } from "./log-reopening.ts";
import type { Reload } from "./reload.ts";
import type { Stacks } from "./stacks.ts";
import type { Telemetry } from "./telemetry.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface ReportsOptions {
  readonly pool: WorkerPool;
  readonly crew: Crew;
  readonly balancer: Balancer;
  readonly evener: Evener;
  readonly moves: Moves;
  readonly journal: Journal;
  readonly releases: Releases;
  readonly reload: Reload;
  readonly reopening: LogReopening;
  readonly stacks: Stacks;
  /** Where somebody looks at the server from outside. */
  readonly telemetry: Telemetry | undefined;
  readonly oomKills: OomKills;
  /** The server's sockets, as they are now. */
  readonly holdings: Holdings;
}

export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** Takes what the worker `id` has said; nothing of a worker that has gone, but the connection that it has left. */
  take(id: number, report: Report, handle?: RawHandle): void {
    const { pool, crew, journal, balancer, evener, moves, telemetry } = this.#options;
    if (report.tsgate === "connection-offered") return moves.offered(id, report, handle, monotonicNow());
    const worker = pool.worker(id);
    if (worker === undefined) return;
    const now = monotonicNow();
    switch (report.tsgate) {
      case "hello":
        return this.#greet(worker);
      case "idle":
        return crew.send(id, { tsgate: "all-answered" });
      case "waiting":
        return pool.waiting(id, report.lacks);
      case "loading":
        return pool.loading(id, report.application);
      case "application-loaded":
        return this.#onLoaded(worker, report.infos);
      case "application-started":
        return pool.started(id, now);
      case "ready":
        return this.#onReady(worker, pool.ready(id, now));
      case "boot-failed":
        return pool.bootFailed(id, bootFailure(report));
      case "heartbeat":
        if (!report.isHealthy) pool.unwanted(id, "unhealthy", now);
        balancer.heard(id, report.load, now);
        pool.heartbeat(id, now, report, report.cpuMs);
        return journal.heldBack(pool.worker(id) ?? worker, now);
      case "load-changed":
        return balancer.heard(id, report.load, now);
      case "sockets-wanted":
        return crew.sendListeners(id);
      case "connection-answered":
        return moves.answered(id, report.move, report.isHeld);
      case "connections-given":
        return evener.given(id, report.gift, report.count, now);
      case "offer-withdrawn":
        return moves.withdrawn(id, report.token);
      case "asked-by":
        return pool.askedBy(id, report.way);
      case "stats":
        return telemetry?.reported(worker, report.stats, now);
      case "application-metrics":
        return telemetry?.applicationMetrics(worker, report.request, report.metrics);
      case "profiled":
        return this.#options.stacks.profiled(worker, report.request, report.outcome, report.pythons);
      case "term-received":
        pool.unwanted(id, "terminated", now + TERM_SETTLE_MS);
        return crew.send(id, { tsgate: "term-seen" });
      case "uncaught": {
        const { error } = report;
        journal.uncaught(worker, report);
        const failure = `the application threw ${error.message}`;
        return this.#onFailing(worker, "uncaught exception", failure, error.stack, now);
      }
      case "python-failed":
        return this.#onPythonFailed(worker, report, now);
      case "server-closed":
        journal.serverClosed(worker);
        return this.#onFailing(
          worker,
          "closed by the application",
          "the application closed its server",
          undefined,
          now,
        );
      case "logs-reopened":
        return this.#options.reopening.done(id);
      case "also-listening":
        return journal.alsoListening(worker, report);
      case "log":
        return journal.fromWorker(worker, report);
      default:
        return assertNever(report);
    }
  }

  /** The application has closed the worker's channel: one that serves drains by itself, as if its master had gone. */
  disconnected(id: number): void {
    const { pool, crew, journal, moves } = this.#options;
    moves.gone(id);
    const worker = pool.worker(id);
    if (worker === undefined || worker.isKilled || worker.state.name === "draining") return;
    const failure = "the application closed the channel to the master (process.disconnect())";
    if (worker.state.name === "booting") {
      pool.bootFailed(id, { summary: failure, stack: undefined, stage: "startup" });
      return crew.kill(id, "boot failed");
    }
    journal.disconnected(worker);
    this.#onFailing(worker, "disconnected", failure, undefined, monotonicNow());
  }

  #greet(worker: WorkerRecord): void {
    const { pool, crew, releases, holdings } = this.#options;
    pool.greeted(worker.id);
    const order = bootOrder(releases.of(worker.generation), worker, holdings.listeners, worker.recycling.requests);
    crew.send(worker.id, { tsgate: "boot", order });
  }

  #onLoaded(worker: WorkerRecord, infos: readonly ApplicationInfo[]): void {
    const { pool, crew, journal, releases } = this.#options;
    const kinds = infos.map((info) => info.interface);
    const misfit = settingMisfit(releases.of(worker.generation).configuration, kinds);
    for (const info of infos) journal.applicationFound(worker, info, pool.rollout);
    if (misfit === undefined) return pool.loaded(worker.id);
    pool.bootFailed(worker.id, { summary: misfit, stack: undefined, stage: "settings" });
    crew.send(worker.id, { tsgate: "quit" });
  }

  #onReady(worker: WorkerRecord, bootMs: number | undefined): void {
    const { pool, journal, holdings } = this.#options;
    if (bootMs === undefined) return;
    if (pool.generation === 0) journal.listening(holdings.listeners);
    journal.ready(worker, bootMs);
  }

  #onPythonFailed(worker: WorkerRecord, report: Extract<Report, { tsgate: "python-failed" }>, now: number): void {
    const { facts } = report;
    const how = report.how === "hung" ? "hung" : "interpreter died";
    const isOomKill =
      how === "interpreter died" && facts["signal"] === "SIGKILL" && this.#options.oomKills.explains(now);
    this.#options.journal.pythonFailed(worker, how, facts, isOomKill);
    const stack = typeof facts["stack"] === "string" ? facts["stack"] : undefined;
    const failure = how === "hung" ? `a worker hung: ${String(facts["found"])}` : String(facts["found"]);
    this.#onFailing(worker, how, failure, stack, now);
  }

  /** The worker drains by itself, because of the application. */
  #onFailing(
    { id, generation }: WorkerRecord,
    why: DrainReason,
    failure: string,
    stack: string | undefined,
    now: number,
  ): void {
    this.#options.pool.failing(id, why, now, Math.random());
    this.#options.reload.failed(generation, failure, stack);
  }
}
