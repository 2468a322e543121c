/**
 * What `/status.json` says: the schema that the status page, `tsgate ctl` and programs read, described in
 * docs/operating-endpoints.md. A field may be added without a new schema number; none is renamed, removed or given
 * another meaning without one. Instants are ISO 8601 in UTC; what is not known is null.
 */

import { STATUS_CLASSES, REJECTIONS } from "../worker-stats.ts";
import type { EmptySlot, LastExit, Observation, ReloadEnd, ServerState, WorkerView } from "./observation.ts";
import { byMount, errorsIn, requestsIn } from "./request-totals.ts";
import type { TimelineEvent } from "./timeline.ts";

export const STATUS_SCHEMA = 1;

export interface Status {
  readonly schema: typeof STATUS_SCHEMA;
  /** When this was said. */
  readonly at: string;
  readonly server: {
    readonly name: string;
    readonly version: string;
    readonly node: string;
    readonly pid: number;
    readonly app: string;
    readonly startedAt: string;
    readonly uptimeMs: number;
    /** `degraded`: a slot is in back-off, or no worker is ready that beats. */
    readonly state: ServerState;
    readonly generation: number;
    /** How many workers are wanted. */
    readonly target: number;
    readonly booting: number;
    readonly ready: number;
    readonly draining: number;
    /** Of those that are ready: their heartbeat is overdue, and they answer nobody. */
    readonly silent: number;
    readonly degradedSlots: readonly number[];
    readonly loop: LoopStatus;
    readonly cpuSeconds: number;
    readonly rssBytes: number;
  };
  readonly reload: {
    readonly state: "idle" | "running";
    /** The generation that is on its way, how far it has come (`canary`, `rolling`), and since when. */
    readonly generation: number | null;
    readonly stage: string | null;
    readonly startedAt: string | null;
    readonly last: {
      readonly outcome: ReloadEnd["outcome"];
      readonly generation: number;
      readonly at: string;
      readonly tookMs: number | null;
      readonly error: string | null;
      readonly stack: string | null;
    } | null;
  };
  readonly listeners: readonly {
    readonly address: string;
    readonly transport: string;
    readonly queued: number | null;
  }[];
  readonly totals: {
    readonly requests: number;
    /** Those that were answered with a status from 500 on. */
    readonly errors: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly rejected: Readonly<Record<string, number>>;
    readonly bytesReceived: number;
    readonly bytesSent: number;
    readonly inFlight: number;
    readonly connections: number;
    readonly connectionsAccepted: number;
    readonly upgrades: number;
    /** Requests by the mount whose application was to answer them; the root's are those of `/`. */
    readonly mounts: readonly {
      readonly mount: string;
      readonly requests: number;
      readonly errors: number;
    }[];
  };
  /** The last ten seconds of which everything is known; it ends one or two seconds ago. */
  readonly recent: {
    readonly windowSeconds: number;
    readonly requestsPerSecond: number;
    readonly errorsPerSecond: number;
    readonly p50Ms: number | null;
    readonly p99Ms: number | null;
    /** The last minute second by second, each a list with the oldest first. */
    readonly seconds: {
      readonly requests: readonly number[];
      readonly errors: readonly number[];
      readonly p50Ms: readonly (number | null)[];
      readonly p99Ms: readonly (number | null)[];
    };
  };
  /** By slot, the newest first; slots without a worker have a row too. */
  readonly workers: readonly WorkerStatus[];
  /** What happened lately, oldest first. */
  readonly events: readonly EventStatus[];
}

interface LoopStatus {
  /** 0 to 1, since the report before. */
  readonly utilization: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
}

export interface WorkerStatus {
  readonly slot: number;
  /** Null, as everything that follows it up to `lastExit`, in a slot that waits for a worker. */
  readonly id: number | null;
  readonly pid: number | null;
  readonly generation: number | null;
  readonly state: WorkerView["state"] | "waiting";
  /** Why it drains. */
  readonly why: string | null;
  /** For how long it has not beaten, when that is overdue by far; else null. */
  readonly silentMs: number | null;
  readonly startedAt: string | null;
  readonly ageMs: number | null;
  readonly bootMs: number | null;
  readonly requests: number | null;
  readonly errors: number | null;
  readonly inFlight: number | null;
  readonly connections: number | null;
  readonly loop: LoopStatus | null;
  readonly cpuSeconds: number | null;
  readonly rssBytes: number | null;
  readonly heapUsedBytes: number | null;
  readonly heapSizeBytes: number | null;
  readonly openFds: number | null;
  readonly maxFds: number | null;
  /** How old these numbers are: a second while something happens, five while nothing does. */
  readonly reportedAgoMs: number | null;
  /** How the worker before it in this slot ended. */
  readonly lastExit: {
    readonly at: string;
    readonly pid: number;
    readonly generation: number;
    readonly cause: string;
    readonly code: number | null;
    readonly signal: string | null;
    readonly error: string | null;
  } | null;
  /** When the slot may be filled again; null while it has a worker. */
  readonly retryInMs: number | null;
}

export type EventStatus = Omit<TimelineEvent, "at"> & { readonly at: string };

/** The document for one observation. */
export function statusOf(observation: Observation): Status {
  const { at, server, counts, silent, degradedSlots, master, listeners, events } = observation;
  return {
    schema: STATUS_SCHEMA,
    at: iso(at),
    server: {
      ...server,
      startedAt: iso(server.startedAt),
      uptimeMs: Math.max(0, Math.round(at - server.startedAt)),
      ...counts,
      silent,
      degradedSlots,
      loop: loopOf(master),
      cpuSeconds: rounded(master.cpuSeconds),
      rssBytes: master.rssBytes,
    },
    reload: reloadOf(observation),
    listeners: listeners.map(({ queued, ...listener }) => ({ ...listener, queued: queued ?? null })),
    totals: totalsOf(observation),
    recent: recentOf(observation),
    workers: workersOf(observation),
    events: events.map((event) => ({ ...event, at: iso(event.at) })),
  };
}

function reloadOf({ reload: { running, last } }: Observation): Status["reload"] {
  return {
    state: running === undefined ? "idle" : "running",
    generation: running?.generation ?? null,
    stage: running?.stage ?? null,
    startedAt: running === undefined ? null : iso(running.startedAt),
    last:
      last === undefined
        ? null
        : {
            outcome: last.outcome,
            generation: last.generation,
            at: iso(last.at),
            tookMs: last.tookMs ?? null,
            error: last.error ?? null,
            stack: last.stack ?? null,
          },
  };
}

function totalsOf({ totals, inFlight, connections }: Observation): Status["totals"] {
  return {
    requests: requestsIn(totals),
    errors: errorsIn(totals),
    byStatus: named(STATUS_CLASSES, totals.byStatus),
    rejected: named(REJECTIONS, totals.rejected),
    bytesReceived: totals.bytesReceived,
    bytesSent: totals.bytesSent,
    inFlight,
    connections,
    connectionsAccepted: totals.accepted,
    upgrades: totals.upgrades,
    mounts: Object.entries(byMount(totals)).map(([mount, ended]) => ({
      mount,
      requests: requestsIn(ended),
      errors: errorsIn(ended),
    })),
  };
}

function recentOf({ window, seconds }: Observation): Status["recent"] {
  return {
    windowSeconds: window.seconds,
    requestsPerSecond: rounded(window.requestsPerSecond),
    errorsPerSecond: rounded(window.errorsPerSecond),
    p50Ms: roundedOrNull(window.p50Ms),
    p99Ms: roundedOrNull(window.p99Ms),
    seconds: {
      requests: seconds.map(({ requests }) => rounded(requests)),
      errors: seconds.map(({ errors }) => rounded(errors)),
      p50Ms: seconds.map(({ p50Ms }) => roundedOrNull(p50Ms)),
      p99Ms: seconds.map(({ p99Ms }) => roundedOrNull(p99Ms)),
    },
  };
}

function workersOf(observation: Observation): WorkerStatus[] {
  const { workers, emptySlots, lastExits, at } = observation;
  const rows = [
    ...workers.map((worker) => toRow(worker, lastExits.get(worker.slot), at)),
    ...emptySlots.map((slot) => toEmptyRow(slot, lastExits.get(slot.slot))),
  ];
  return rows.sort((a, b) => a.slot - b.slot || (b.id ?? 0) - (a.id ?? 0));
}

function toRow(worker: WorkerView, lastExit: LastExit | undefined, at: number): WorkerStatus {
  const { slot, id, pid, generation, state, why, silentMs, spawnedAt, bootMs, stats, reportedAt } = worker;
  const load = stats?.load;
  return {
    slot,
    id,
    pid,
    generation,
    state,
    why: why ?? null,
    silentMs: silentMs === undefined ? null : Math.round(silentMs),
    startedAt: iso(spawnedAt),
    ageMs: Math.max(0, Math.round(at - spawnedAt)),
    bootMs: bootMs === undefined ? null : Math.round(bootMs),
    requests: stats === undefined ? null : requestsIn(stats.totals),
    errors: stats === undefined ? null : errorsIn(stats.totals),
    inFlight: stats?.inFlight ?? null,
    connections: stats?.connections ?? null,
    loop: load === undefined ? null : loopOf(load),
    cpuSeconds: roundedOrNull(load?.cpuSeconds),
    rssBytes: load?.rssBytes ?? null,
    heapUsedBytes: load?.heapUsedBytes ?? null,
    heapSizeBytes: load?.heapSizeBytes ?? null,
    openFds: load?.openFds ?? null,
    maxFds: load?.maxFds ?? null,
    reportedAgoMs: reportedAt === undefined ? null : Math.max(0, Math.round(at - reportedAt)),
    lastExit: toExit(lastExit),
    retryInMs: null,
  };
}

function toEmptyRow({ slot, retryInMs }: EmptySlot, lastExit: LastExit | undefined): WorkerStatus {
  return { ...NOBODY, slot, lastExit: toExit(lastExit), retryInMs: Math.round(retryInMs) };
}

const NOBODY: Omit<WorkerStatus, "slot" | "lastExit" | "retryInMs"> = {
  id: null,
  pid: null,
  generation: null,
  state: "waiting",
  why: null,
  silentMs: null,
  startedAt: null,
  ageMs: null,
  bootMs: null,
  requests: null,
  errors: null,
  inFlight: null,
  connections: null,
  loop: null,
  cpuSeconds: null,
  rssBytes: null,
  heapUsedBytes: null,
  heapSizeBytes: null,
  openFds: null,
  maxFds: null,
  reportedAgoMs: null,
};

function toExit(exit: LastExit | undefined): WorkerStatus["lastExit"] {
  if (exit === undefined) return null;
  const { at, pid, generation, cause, code, signal, error } = exit;
  return { at: iso(at), pid, generation, cause, code: code ?? null, signal: signal ?? null, error: error ?? null };
}

function loopOf({ utilization, delayP50Ms, delayP99Ms }: LoopStatus): LoopStatus {
  return {
    utilization: rounded(utilization),
    delayP50Ms: rounded(delayP50Ms),
    delayP99Ms: rounded(delayP99Ms),
  };
}

function named(names: readonly string[], counts: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name, index) => [name, counts[index] ?? 0]));
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function roundedOrNull(value: number | undefined): number | null {
  return value === undefined ? null : rounded(value);
}
