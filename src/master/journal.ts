/**
 * The pool's life as log records: constant messages, the worker's slot, generation and pid beside them, and with every
 * change of the pool the four counts. A slot in a crash loop writes no more than its budget.
 */

import type { LogLevel } from "../config/types.ts";
import { monotonicNow } from "../deadline.ts";
import type { ErrorReport } from "../errors.ts";
import type { LogFields, WriteRecord } from "../logger.ts";
import type { ApplicationInfo, DrainReason, Report } from "../messages.ts";
import type { Listener } from "./listeners.ts";
import { LogBudget } from "./log-budget.ts";
import type { EndCause, Rollout, WorkerRecord } from "./model.ts";
import { isCanary } from "./rollout.ts";
import type { Departure, WorkerPool } from "./worker-pool.ts";

export class Journal {
  readonly #write: WriteRecord;
  readonly #pool: WorkerPool;
  readonly #budget: LogBudget;
  #degraded = "";
  #named: { readonly generation: number; readonly addresses: Set<string> } = { generation: 0, addresses: new Set() };

  constructor(write: WriteRecord, pool: WorkerPool) {
    this.#write = write;
    this.#pool = pool;
    this.#budget = new LogBudget(write);
  }

  spawned(worker: WorkerRecord): void {
    this.#change("info", "worker spawned", worker);
  }

  /** Said once a generation, by its first worker. */
  applicationFound(worker: WorkerRecord, info: ApplicationInfo, rollout: Rollout | undefined): void {
    if (isCanary(worker, rollout)) this.#write("info", "application found", { ...identity(worker), ...info });
  }

  listening(listeners: readonly Listener[]): void {
    for (const { address } of listeners) this.#write("info", "listening", { address, transport: "node:http" });
  }

  /** A record that a worker wrote. */
  fromWorker(worker: WorkerRecord, { level, msg, fields }: Extract<Report, { tsgate: "log" }>): void {
    this.#write(level, msg, { role: "worker", ...identity(worker), ...fields });
  }

  ready(worker: WorkerRecord, bootMs: number): void {
    this.#change("info", "worker ready", worker, { bootMs: Math.round(bootMs) });
  }

  draining(worker: WorkerRecord, why: DrainReason): void {
    this.#change("info", "worker draining", worker, { why });
  }

  uncaught(worker: WorkerRecord, origin: string, error: ErrorReport): void {
    this.#about(worker, "error", "uncaught exception in the application", { origin, error });
  }

  serverClosed(worker: WorkerRecord): void {
    this.#about(worker, "error", "the application closed its server");
  }

  /** Said once a generation for each address. */
  alsoListening(worker: WorkerRecord, { address, isGuess }: Extract<Report, { tsgate: "also-listening" }>): void {
    const { generation } = worker;
    if (this.#named.generation !== generation) this.#named = { generation, addresses: new Set() };
    if (this.#named.addresses.has(address)) return;
    this.#named.addresses.add(address);
    const hint = isGuess ? { hint: "--listen-match says which server gets the sockets; it was the first" } : {};
    this.#write(isGuess ? "warn" : "info", "also listening", { generation, address, sharedBy: "workers", ...hint });
  }

  /** A deadline has passed: the worker is killed. */
  killed(worker: WorkerRecord, cause: EndCause): void {
    // Told to leave at once, it was given no time: its end is not worth a warning.
    if (worker.hasQuitOrder) return;
    if (cause === "hung") this.#about(worker, "error", "worker hung");
    else this.#about(worker, "warn", "worker killed", { cause });
  }

  /** @param isSaidElsewhere its failure ends the rollout or the start, which says why in its own words */
  gone(
    { worker, failure, cause, isAbnormal }: Departure,
    code: number | null,
    signal: string | null,
    isSaidElsewhere: boolean,
  ): void {
    const isLoud = isAbnormal && !isSaidElsewhere;
    const why = isLoud && failure !== undefined ? { error: failure.summary, stack: failure.stack } : {};
    this.#change(isLoud ? "error" : "info", "worker gone", worker, { cause, code, signal, ...why });
  }

  resized(target: number): void {
    this.#write("info", "workers changed", { target, ...this.#pool.counts() });
  }

  reload(outcome: "started" | "done", generation: number, fields?: LogFields): void {
    this.#write("info", `reload ${outcome}`, { generation, ...fields, ...this.#pool.counts() });
  }

  reloadFailed(generation: number, error: string, stack?: string): void {
    this.#write("error", "reload failed", {
      generation,
      error,
      ...(stack === undefined ? {} : { stack }),
      ...this.#pool.counts(),
    });
  }

  /** Says when the set of slots in back-off has changed. */
  degradation(): void {
    const slots = this.#pool.degradedSlots();
    const now = slots.join(",");
    if (now === this.#degraded) return;
    this.#degraded = now;
    if (slots.length > 0) this.#write("warn", "degraded", { slots, ...this.#pool.counts() });
    else this.#write("info", "recovered", { ...this.#pool.counts() });
  }

  #change(level: "info" | "error", msg: string, worker: WorkerRecord, fields?: LogFields): void {
    this.#about(worker, level, msg, { ...fields, ...this.#pool.counts() });
  }

  #about(worker: WorkerRecord, level: LogLevel, msg: string, fields?: LogFields): void {
    const hasFailed = this.#pool.slotHistory(worker.slot).failures > 0;
    this.#budget.write(worker.slot, hasFailed, monotonicNow(), level, msg, { ...identity(worker), ...fields });
  }
}

function identity({ slot, id, generation, pid }: WorkerRecord): LogFields {
  return { slot, generation, id, pid };
}
