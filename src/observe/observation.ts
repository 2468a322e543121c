/**
 * Everything that the master can tell of the server at one moment, as plain values: what `/status.json` and `/metrics`
 * are made of. Instants are milliseconds since 1970, durations are milliseconds.
 */

import type { ProcessLoad } from "../process-load.ts";
import type { RequestTotals, WorkerStats } from "../worker-stats.ts";
import type { TrafficSecond, TrafficWindow } from "./recent-traffic.ts";
import type { TimelineEvent } from "./timeline.ts";

export type ServerState = "starting" | "serving" | "degraded" | "draining";

export interface Observation {
  readonly at: number;
  readonly server: {
    readonly name: string;
    readonly version: string;
    readonly node: string;
    readonly pid: number;
    readonly startedAt: number;
    readonly app: string;
    readonly state: ServerState;
    /** The newest generation that has proven itself; 0 before the first. */
    readonly generation: number;
    readonly target: number;
  };
  readonly counts: Readonly<Record<"booting" | "ready" | "draining", number>>;
  /** Of those that are ready: they do not beat. */
  readonly silent: number;
  readonly degradedSlots: readonly number[];
  readonly reload: ReloadView;
  readonly listeners: readonly ListenerView[];
  readonly workers: readonly WorkerView[];
  /** Slots that wait for a worker. */
  readonly emptySlots: readonly EmptySlot[];
  readonly lastExits: ReadonlyMap<number, LastExit>;
  readonly totals: RequestTotals;
  readonly inFlight: number;
  readonly connections: number;
  readonly window: TrafficWindow;
  readonly seconds: readonly TrafficSecond[];
  readonly counters: LifeCounters;
  /** CPU time by slot, of all workers that ever sat there. */
  readonly cpuSeconds: ReadonlyMap<number, number>;
  readonly master: ProcessLoad;
  /** Records that the log's target was too slow for. */
  readonly droppedRecords: number;
  readonly events: readonly TimelineEvent[];
}

export interface ReloadView {
  readonly running: { readonly generation: number; readonly stage: string; readonly startedAt: number } | undefined;
  readonly last: ReloadEnd | undefined;
}

export type ReloadOutcomeName = "done" | "failed" | "superseded";

export interface ReloadEnd {
  readonly outcome: ReloadOutcomeName;
  readonly generation: number;
  readonly at: number;
  readonly tookMs: number | undefined;
  readonly error: string | undefined;
  readonly stack: string | undefined;
}

export interface ListenerView {
  readonly address: string;
  readonly transport: string;
  /** Connections that wait to be accepted; undefined where the system does not tell. */
  readonly queued: number | undefined;
}

export interface WorkerView {
  readonly slot: number;
  readonly id: number;
  readonly pid: number;
  readonly generation: number;
  readonly state: "booting" | "ready" | "draining";
  /** Why it drains. */
  readonly why: string | undefined;
  readonly spawnedAt: number;
  /** For how long nothing has been heard of it, when that is so long that it cannot be taken to answer. */
  readonly silentMs: number | undefined;
  /** From fork to ready. */
  readonly bootMs: number | undefined;
  /** Its newest report, if it has made one, and when that came. */
  readonly stats: WorkerStats | undefined;
  readonly reportedAt: number | undefined;
}

export interface EmptySlot {
  readonly slot: number;
  /** Until it may be filled again. */
  readonly retryInMs: number;
}

export interface LastExit {
  readonly at: number;
  readonly pid: number;
  readonly generation: number;
  readonly cause: string;
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly error: string | undefined;
}

/** Their worker leaves, or has more than its share. */
export type MoveReason = "leaving" | "uneven";

/** What has happened since the server began. */
export interface LifeCounters {
  readonly boots: number;
  /** Times from fork to ready, by `BOOT_BOUNDS_SECONDS`, and their sum. */
  readonly bootSeconds: { readonly counts: readonly number[]; readonly sum: number };
  readonly exits: ReadonlyMap<string, number>;
  readonly hangs: number;
  readonly reloads: Readonly<Record<ReloadOutcomeName, number>>;
  /** Connections that went from one worker to another. */
  readonly moves: Readonly<Record<MoveReason, number>>;
}

/** Upper bounds of the times from fork to ready. */
export const BOOT_BOUNDS_SECONDS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
