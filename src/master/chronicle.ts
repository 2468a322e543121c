/**
 * What has happened since the server began, for those who look at it from outside: counters, how each slot's last worker
 * ended, how the last reload went, and a time line. It is told by the journal what that writes, and decides nothing.
 */

import type { ErrorReport } from "../errors.ts";
import type { DrainReason, PythonFailureKind } from "../messages.ts";
import type { LogFields } from "../logger.ts";
import {
  BOOT_BOUNDS_SECONDS,
  type LastExit,
  type LifeCounters,
  type MoveReason,
  type ReloadEnd,
} from "../observe/observation.ts";
import { Timeline } from "../observe/timeline.ts";
import { HEAP_LIMIT_REACHED, KILLED_FOR_MEMORY } from "./exit-cause.ts";
import type { Departure, EndCause, WorkerRecord } from "./model.ts";

/** Drains that are told in other ways: as a part of a reload, a change of scale, a stop, or as the error behind them. */
const TOLD_OTHERWISE: ReadonlySet<DrainReason> = new Set<DrainReason>([
  "reload",
  "stop",
  "scaled down",
  "superseded",
  "rollout aborted",
  "orphaned",
  "uncaught exception",
  "hung",
  "interpreter died",
]);

/** Every cause, so that each counts from 0. */
const CAUSES: Readonly<Record<EndCause, 0>> = {
  "boot failed": 0,
  "boot timeout": 0,
  "closed by the application": 0,
  crashed: 0,
  disconnected: 0,
  "drain timeout": 0,
  "exited by itself": 0,
  hung: 0,
  "interpreter died": 0,
  "killed from outside": 0,
  "killed on request": 0,
  "max age": 0,
  "max memory": 0,
  "max requests": 0,
  orphaned: 0,
  [HEAP_LIMIT_REACHED]: 0,
  [KILLED_FOR_MEMORY]: 0,
  reload: 0,
  "rollout aborted": 0,
  "scaled down": 0,
  stop: 0,
  superseded: 0,
  terminated: 0,
  "uncaught exception": 0,
  unhealthy: 0,
};

export class Chronicle {
  readonly startedAt = Date.now();
  readonly lastExits = new Map<number, LastExit>();
  readonly #timeline = new Timeline();
  readonly #bootMs = new Map<number, number>();
  readonly #exits = new Map<string, number>(Object.entries(CAUSES));
  readonly #reloads = { done: 0, failed: 0, superseded: 0 };
  readonly #moves = { leaving: 0, uneven: 0 };
  readonly #bootSeconds = { counts: [...BOOT_BOUNDS_SECONDS.map(() => 0), 0], sum: 0 };
  #boots = 0;
  #hangs = 0;
  #reloadStarted: { readonly generation: number; readonly at: number } | undefined;
  lastReload: ReloadEnd | undefined;

  constructor() {
    this.#timeline.add({ at: this.startedAt, type: "started" });
  }

  get events(): Timeline["events"] {
    return this.#timeline.events;
  }

  get counters(): LifeCounters {
    return {
      boots: this.#boots,
      bootSeconds: this.#bootSeconds,
      exits: this.#exits,
      hangs: this.#hangs,
      reloads: this.#reloads,
      moves: this.#moves,
    };
  }

  bootMs(id: number): number | undefined {
    return this.#bootMs.get(id);
  }

  spawned(): void {
    this.#boots++;
  }

  ready({ id }: WorkerRecord, bootMs: number): void {
    const seconds = bootMs / 1000;
    const { counts } = this.#bootSeconds;
    const bucket = BOOT_BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    const index = bucket === -1 ? BOOT_BOUNDS_SECONDS.length : bucket;
    counts[index] = (counts[index] ?? 0) + 1;
    this.#bootSeconds.sum += seconds;
    this.#bootMs.set(id, bootMs);
  }

  /** A connection went on to another worker. */
  moved(why: MoveReason): void {
    this.#moves[why]++;
  }

  draining(worker: WorkerRecord, why: DrainReason): void {
    if (!TOLD_OTHERWISE.has(why)) this.#timeline.add({ at: Date.now(), type: "replaced", ...identity(worker), why });
  }

  uncaught(worker: WorkerRecord, { message, stack }: ErrorReport): void {
    const trace = stack === undefined ? {} : { stack };
    this.#timeline.add({ at: Date.now(), type: "uncaught exception", ...identity(worker), error: message, ...trace });
  }

  /** A request of the application's has failed, or something that it does beside them. */
  applicationError(worker: WorkerRecord, { method, path, function: name, error }: LogFields): void {
    const { message, stack } = (error ?? {}) as Partial<ErrorReport>;
    const isNamed = typeof method === "string" && typeof path === "string";
    this.#timeline.add({
      at: Date.now(),
      type: "application error",
      ...identity(worker),
      ...(isNamed ? { request: `${method} ${path}`.slice(0, LONGEST_REQUEST) } : {}),
      ...(typeof name === "string" ? { why: `in ${name}()` } : {}),
      ...(typeof message === "string" ? { error: message } : {}),
      ...(typeof stack === "string" ? { stack } : {}),
    });
  }

  /** A deadline has passed. @param findings what it was at, in words and as a stack, as far as that is known */
  killed(worker: WorkerRecord, cause: EndCause, { found, stack }: LogFields = {}): void {
    const words = typeof found === "string" ? { error: found } : {};
    const trace = typeof stack === "string" ? { ...words, stack } : words;
    if (cause === "hung") this.#hangs++;
    const event = cause === "hung" ? ({ type: "hung" } as const) : ({ type: "killed", why: cause } as const);
    this.#timeline.add({ at: Date.now(), ...event, ...identity(worker), ...trace });
  }

  /** A Python interpreter that is hung, or has ended. */
  pythonFailed(worker: WorkerRecord, how: PythonFailureKind, facts: LogFields): void {
    if (how === "hung") return this.killed(worker, how, facts);
    const { found, stack, code, signal } = facts;
    this.#timeline.add({
      at: Date.now(),
      type: how,
      ...identity(worker),
      ...(typeof code === "number" ? { code } : {}),
      ...(typeof signal === "string" ? { signal } : {}),
      ...(typeof found === "string" ? { error: found } : {}),
      ...(typeof stack === "string" ? { stack } : {}),
    });
  }

  /** @param isSaidElsewhere its failure ends a reload or the start, which says why */
  gone(departure: Departure, code: number | null, signal: string | null, isSaidElsewhere: boolean): void {
    const { worker, cause, failure } = departure;
    this.#exits.set(cause, (this.#exits.get(cause) ?? 0) + 1);
    this.#bootMs.delete(worker.id);
    this.lastExits.set(worker.slot, {
      at: Date.now(),
      pid: worker.pid,
      generation: worker.generation,
      cause,
      code: code ?? undefined,
      signal: signal ?? undefined,
      error: failure?.summary,
    });
    if (departure.isAbnormal && !isSaidElsewhere) this.#failed(departure, code, signal);
  }

  resized(target: number): void {
    this.#timeline.add({ at: Date.now(), type: "scaled", target });
  }

  reloadStarted(generation: number): void {
    this.#reloadStarted = { generation, at: Date.now() };
    this.#timeline.add({ at: Date.now(), type: "reload started", generation });
  }

  /** By the next, which is then told. */
  reloadSuperseded(generation: number): void {
    this.#endReload("superseded", generation);
  }

  reloadDone(generation: number): void {
    const { tookMs } = this.#endReload("done", generation);
    const took = tookMs === undefined ? {} : { tookMs };
    this.#timeline.add({ at: Date.now(), type: "reload done", generation, ...took });
  }

  reloadFailed(generation: number, error: string, stack: string | undefined): void {
    this.#endReload("failed", generation, error, stack);
    const trace = stack === undefined ? {} : { stack };
    this.#timeline.add({ at: Date.now(), type: "reload failed", generation, error, ...trace });
  }

  degradation(slots: readonly number[]): void {
    const type = slots.length > 0 ? "degraded" : "recovered";
    this.#timeline.add({ at: Date.now(), type, ...(slots.length > 0 ? { slots } : {}) });
  }

  /** An end that was not told when it began. */
  #failed({ worker, cause, failure }: Departure, code: number | null, signal: string | null): void {
    if (TOLD_AT_THE_BEGINNING.has(cause)) return;
    this.#timeline.add({
      at: Date.now(),
      type: cause === "boot failed" ? "boot failed" : "crashed",
      ...identity(worker),
      why: cause,
      ...(code === null ? {} : { code }),
      ...(signal === null ? {} : { signal }),
      ...(failure === undefined ? {} : { error: failure.summary }),
      ...(failure?.stack === undefined ? {} : { stack: failure.stack }),
    });
  }

  #endReload(outcome: ReloadEnd["outcome"], generation: number, error?: string, stack?: string): ReloadEnd {
    this.#reloads[outcome]++;
    const started = this.#reloadStarted;
    // One that could not even be read was never begun, and leaves the one that is on its way alone.
    const isOfStarted = started?.generation === generation;
    const at = Date.now();
    const tookMs = isOfStarted ? at - started.at : undefined;
    if (isOfStarted) this.#reloadStarted = undefined;
    const end = { outcome, generation, at, tookMs, error, stack };
    this.lastReload = end;
    return end;
  }
}

const LONGEST_REQUEST = 300;

/** By `uncaught`, `draining`, `killed` and `pythonFailed`. */
const TOLD_AT_THE_BEGINNING: ReadonlySet<EndCause> = new Set<EndCause>([
  "uncaught exception",
  "closed by the application",
  "disconnected",
  "hung",
  "interpreter died",
  "boot timeout",
  "drain timeout",
]);

function identity({ slot, pid, generation }: WorkerRecord): { slot: number; pid: number; generation: number } {
  return { slot, pid, generation };
}
