/**
 * What the master knows, as values: a worker's record, a slot's history, a rollout. Only `worker-pool.ts` writes
 * them; the policies read them. Instants and deadlines are milliseconds on the monotonic clock.
 */

import type { AskingWay } from "../hung-account.ts";
import type { BootStage, DrainReason, Usage } from "../messages.ts";

/** How far a booting worker has come. `listening`: it was told to listen and has not yet said that it does. */
export type BootProgress = "forked" | "greeted" | "loaded" | "started" | "listening";

/** `booting → ready → draining → gone`; any state may jump to `gone`, nothing goes back. */
export type WorkerState =
  | { readonly name: "booting"; readonly progress: BootProgress; readonly listenAt: number; readonly deadline: number }
  | { readonly name: "ready"; readonly since: number; readonly deadline: number }
  | { readonly name: "draining"; readonly why: DrainReason; readonly deadline: number }
  | { readonly name: "gone" };

export type LiveStateName = Exclude<WorkerState["name"], "gone">;

/** Why a worker's end came: recorded once, by whoever knew first. */
export type EndCause =
  | DrainReason
  | "boot failed"
  | "boot timeout"
  | "drain timeout"
  | "out of memory: killed by the kernel"
  | "out of memory: heap limit"
  | "crashed"
  | "exited by itself"
  | "killed from outside"
  | "killed on request";

/** A worker as the master sees it. */
export interface WorkerRecord {
  readonly slot: number;
  readonly id: number;
  readonly generation: number;
  readonly spawnedAt: number;
  /** Those of its own release, which the worker was told too. */
  readonly limits: WorkerLimits;
  readonly pid: number;
  readonly state: WorkerState;
  readonly recycling: RecyclingLimits;
  readonly usage: WorkerUsage;
  /** It serves, but should be replaced: nothing happens before `notBefore`. */
  readonly unwanted: { readonly why: DrainReason; readonly notBefore: number } | undefined;
  readonly cause: EndCause | undefined;
  /** It was told to leave at once. */
  readonly hasQuitOrder: boolean;
  /** SIGKILL was sent; its exit is awaited. */
  readonly isKilled: boolean;
  /** Its last sign of life since it is ready, and how much CPU time the process had used until then. */
  readonly lastBeat: { readonly at: number; readonly cpuMs: number | undefined } | undefined;
  /** It has not beaten for so long that it does not count as one that answers, until it beats again; see `silentAt`. */
  readonly isSilent: boolean;
  /** How it can be asked what blocks its event loop. */
  readonly askedBy: AskingWay;
  /** It is being asked, and is killed with `cause` when that is done, `until` at the latest. */
  readonly examined: { readonly cause: EndCause; readonly until: number } | undefined;
  readonly failure: BootFailure | undefined;
  /** Of several applications, the one that it loads. */
  readonly loading: string | undefined;
  /** What its boot still waits for, as what the application did not do. */
  readonly lacks: string | undefined;
}

/** How many workers there are in each state; `gone` counts all that ever left. */
export type PoolCounts = Readonly<Record<LiveStateName | "gone", number>>;

/** What became of a worker that has gone. */
export interface Departure {
  readonly worker: WorkerRecord;
  /** The state it was in when it left. */
  readonly lastState: WorkerState;
  readonly failure: BootFailure | undefined;
  readonly loading: string | undefined;
  readonly lacks: string | undefined;
  readonly cause: EndCause;
  /** Nobody asked for it. */
  readonly isAbnormal: boolean;
}

/** What a worker said, or what was seen, when its boot failed. */
export interface BootFailure {
  readonly summary: string;
  readonly stack: string | undefined;
  /** What it was about: decides the exit code. */
  readonly stage: BootStage;
}

/** A slot's past, from which the next respawn's delay follows. */
export interface SlotHistory {
  /** Abnormal ends since it was last stable. */
  readonly failures: number;
  /** How often it has waited before a respawn since it was last stable. */
  readonly backoffs: number;
  readonly notBefore: number;
}

/**
 * The move from one generation to the next. `canary`: one worker of the new generation boots and is watched, nothing
 * else is touched. `rolling`: the new generation is promoted and replaces the old, slot by slot.
 */
export interface Rollout {
  readonly generation: number;
  readonly stage: "canary" | "rolling";
  readonly isFirstStart: boolean;
  readonly startedAt: number;
  /** Abnormal ends of workers of the new generation while it was rolling. */
  readonly failures: number;
}

/** How the server ends: `graceful` drains after `serveUntil`, `quick` closes everything. */
export interface StopPlan {
  readonly kind: "graceful" | "quick";
  readonly serveUntil: number;
}

/** The numbers the pool goes by; they change with a reload. */
export interface PoolLimits extends WorkerLimits {
  /** Extra live workers that a rollout or a replacement may cause. */
  readonly surge: number;
}

/** The times that a worker is judged by. */
export interface WorkerLimits {
  readonly bootTimeoutMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly gracefulTimeoutMs: number;
}

/** When a worker is recycled: drawn for it alone when it was forked; 0 for never. */
export interface RecyclingLimits {
  readonly requests: number;
  /** From the moment that it was ready. */
  readonly ageMs: number;
  readonly rssBytes: number;
  /** It is not recycled for its memory before. */
  readonly memoryNotBefore: number;
}

/** What a worker has said of itself last. */
export interface WorkerUsage extends Usage {
  /** How many heartbeats in a row have shown more memory than it may have. */
  readonly beatsAbove: number;
}

/** What the policies see of the pool. */
export interface PoolView {
  readonly target: number;
  /** The newest generation that has proven itself; 0 before the first. */
  readonly generation: number;
  readonly rollout: Rollout | undefined;
  readonly stop: StopPlan | undefined;
  /** The master has closed its own copies of the sockets. */
  readonly areSocketsClosed: boolean;
  /** Since when no worker has been ready; undefined while one is. */
  readonly noneReadySince: number | undefined;
  readonly limits: PoolLimits;
  /** Live workers only, in order of their ids. */
  readonly workers: readonly WorkerRecord[];
  slotHistory(slot: number): SlotHistory;
}

/** How long a reload's canary stays without traffic once its application has started: a crash in this time harms nobody. */
export const CANARY_SETTLE_MS = 1000;
/** How long it is then watched serving before the first old worker is retired. */
export const CANARY_WATCH_MS = 1000;
/** Abnormal ends of new workers after which a rolling reload is given up. */
export const ROLLING_FAILURE_LIMIT = 3;
/** What a worker gets beyond the drain deadline that it was told, to leave by itself. */
export const KILL_MARGIN_MS = 500;
/** When a worker that is asked what blocks its event loop is killed whatever has become of the asking. */
export const EXAMINATION_MS = 1500;
/** A draining worker that has not beaten for this long is blocked; one that waits for something beats. */
export const LATE_AFTER_MS = 1500;
/** What a worker that was not yet serving gets to leave. */
export const BOOTING_DRAIN_MS = 1000;
/** A lone SIGTERM to a worker waits this long for the master's own: a service manager signals the whole group. */
export const TERM_SETTLE_MS = 250;

/** Whether there is to be a server: until a stop, and after a graceful one for the shutdown delay if there has been one. */
export function isServing({ stop, generation }: PoolView, now: number): boolean {
  return stop === undefined || (stop.kind === "graceful" && generation > 0 && now < stop.serveUntil);
}

export function isDraining(worker: WorkerRecord): boolean {
  return worker.state.name === "draining";
}

export function isReady(worker: WorkerRecord): boolean {
  return worker.state.name === "ready";
}

/** It answers: it is ready, and its event loop turns. */
export function isAnswering(worker: WorkerRecord): boolean {
  return isReady(worker) && !worker.isSilent;
}
