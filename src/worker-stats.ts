/**
 * What a worker tells of its work. Everything that grows is a total since the worker began, so that a report that is
 * lost or late costs nothing. Shared by the worker, which counts, and the master, which adds up.
 */

import type { ProcessLoad } from "./process-load.ts";

/** How requests ended: by the class of their status, or `none` where the connection closed before there was one. */
export const STATUS_CLASSES = ["2xx", "3xx", "4xx", "5xx", "none"] as const;

/** Why a request was refused without the application. */
export const REJECTIONS = ["malformed", "head too large", "body too large", "too many", "too slow"] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** The bounds within a power of ten. */
const STEPS = [1, 1.5, 2, 2.5, 3.5, 5, 7];

/**
 * Upper bounds of the buckets of request durations, in milliseconds; one more bucket holds what took longer. Fine
 * enough for a median between two of them; every bound that Prometheus is shown is one of these.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  ...STEPS.map((step) => step / 10),
  ...[1, 10, 100, 1000].flatMap((power) => STEPS.map((step) => step * power)),
  10_000,
  15_000,
  30_000,
  60_000,
];

/** Requests that ended. */
export interface EndedRequests {
  /** In the order of `STATUS_CLASSES`. */
  readonly byStatus: readonly number[];
  /** By duration: one number for each of `DURATION_BOUNDS_MS`, and one for what took longer. */
  readonly durations: readonly number[];
  /** The sum of all durations. */
  readonly durationMs: number;
}

/** What a worker has done since it began. */
export interface RequestTotals extends EndedRequests {
  /** The same by the mount whose application was to answer; nothing where all belong to the root. */
  readonly byMount: Readonly<Record<string, EndedRequests>>;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Connections that were accepted. */
  readonly accepted: number;
  /** Connections that went over to another protocol, such as WebSocket. */
  readonly upgrades: number;
  /** Requests that were refused, in the order of `REJECTIONS`. */
  readonly rejected: readonly number[];
  /** Log records that were held back because there were too many. */
  readonly droppedRecords: number;
}

export interface WorkerStats {
  readonly totals: RequestTotals;
  /** Requests in progress, and open connections, at the moment of the report. */
  readonly inFlight: number;
  readonly connections: number;
  readonly load: ProcessLoad;
  /** What is new in the totals has come to pass in so much time. */
  readonly sinceMs: number;
}

/** Whether a message holds these; an application may send anything in our name. */
export function isWorkerStats(value: unknown): value is WorkerStats {
  const { totals, inFlight, connections, load, sinceMs } = (value ?? {}) as Partial<WorkerStats>;
  return areCounts([inFlight, connections, sinceMs]) && isTotals(totals) && isLoad(load);
}

function isTotals(totals: Partial<RequestTotals> | undefined): boolean {
  if (typeof totals !== "object" || totals === null) return false;
  const { byMount, rejected, ...counts } = totals;
  return (
    isEnded(totals) &&
    typeof byMount === "object" &&
    Object.values(byMount ?? { none: undefined }).every((ended) => isEnded(ended)) &&
    isList(rejected, REJECTIONS.length) &&
    SINGLE_TOTALS.every((name) => areCounts([counts[name]]))
  );
}

function isEnded(ended: Partial<EndedRequests> | null | undefined): boolean {
  const { byStatus, durations, durationMs } = ended ?? {};
  return (
    isList(byStatus, STATUS_CLASSES.length) &&
    isList(durations, DURATION_BOUNDS_MS.length + 1) &&
    areCounts([durationMs])
  );
}

const SINGLE_TOTALS = [
  "bytesReceived",
  "bytesSent",
  "accepted",
  "upgrades",
  "droppedRecords",
] as const satisfies readonly (keyof RequestTotals)[];

function isLoad(load: Partial<ProcessLoad> | undefined): boolean {
  if (typeof load !== "object" || load === null) return false;
  const { openFds, maxFds, ...rest } = load;
  const isKnown = [openFds, maxFds].every((count) => count === null || areCounts([count]));
  return isKnown && LOADS.every((name) => areCounts([rest[name]]));
}

const LOADS = [
  "cpuSeconds",
  "rssBytes",
  "heapUsedBytes",
  "heapSizeBytes",
  "utilization",
  "delayP50Ms",
  "delayP99Ms",
] as const satisfies readonly (keyof ProcessLoad)[];

function isList(value: unknown, length: number): boolean {
  return Array.isArray(value) && value.length === length && areCounts(value);
}

function areCounts(values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === "number" && Number.isFinite(value) && value >= 0);
}
