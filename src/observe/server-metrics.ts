/**
 * THE table of metrics: one row each. The text of `/metrics` and the table in docs/metrics.md come out of it. Names
 * follow Prometheus: base units, `_total` for what only grows. Every series is there from the start where its labels
 * are known, so that the first time something happens is an increase.
 */

import type { ProcessLoad } from "../process-load.ts";
import {
  DURATION_BOUNDS_MS,
  type EndedRequests,
  REJECTIONS,
  type RequestTotals,
  STATUS_CLASSES,
} from "../worker-stats.ts";
import { type Family, histogramSamples, type Labels, type Sample } from "./exposition.ts";
import { byMount } from "./request-totals.ts";
import { BOOT_BOUNDS_SECONDS, type Observation, type WorkerView } from "./observation.ts";

export interface MetricRow {
  readonly type: Family["type"];
  /** Besides `name`, which every metric has when the server has one. */
  readonly labels: readonly string[];
  readonly help: string;
  readonly samples: (observation: Observation) => readonly Sample[];
}

/** Upper bounds of the histogram of durations as it is shown, in seconds. */
const SHOWN_BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const one = (value: number): readonly Sample[] => [{ value }];

export const METRICS: Readonly<Record<string, MetricRow>> = {
  tsgate_info: {
    type: "gauge",
    labels: ["version", "node"],
    help: "Always 1; the labels say what runs",
    samples: ({ server: { version, node } }) => [{ labels: { version, node }, value: 1 }],
  },
  tsgate_start_time_seconds: {
    type: "gauge",
    labels: [],
    help: "When the server started, in seconds since 1970",
    samples: ({ server }) => one(server.startedAt / 1000),
  },
  tsgate_requests_total: {
    type: "counter",
    labels: ["mount", "status"],
    help: "Requests that ended, by the class of their status; none: the connection closed before there was one",
    samples: ({ totals }) =>
      byEachMount(totals, (labels, { byStatus }) => counted("status", STATUS_CLASSES, byStatus, labels)),
  },
  tsgate_request_duration_seconds: {
    type: "histogram",
    labels: ["mount", "le"],
    help: "From the head of a request to the last byte of its reply",
    samples: ({ totals }) =>
      byEachMount(totals, (labels, { durations, durationMs }) =>
        histogramSamples(SHOWN_BOUNDS_SECONDS, shownCounts(durations), durationMs / 1000, labels),
      ),
  },
  tsgate_requests_in_flight: {
    type: "gauge",
    labels: [],
    help: "Requests in progress",
    samples: ({ inFlight }) => one(inFlight),
  },
  tsgate_requests_rejected_total: {
    type: "counter",
    labels: ["reason"],
    help: "Requests that were refused before the application saw them",
    samples: ({ totals }) => counted("reason", REJECTIONS, totals.rejected),
  },
  tsgate_received_bytes_total: {
    type: "counter",
    labels: [],
    help: "Bytes read from clients, heads included",
    samples: ({ totals }) => one(totals.bytesReceived),
  },
  tsgate_sent_bytes_total: {
    type: "counter",
    labels: [],
    help: "Bytes written to clients, heads included",
    samples: ({ totals }) => one(totals.bytesSent),
  },
  tsgate_connections: {
    type: "gauge",
    labels: [],
    help: "Open connections of clients",
    samples: ({ connections }) => one(connections),
  },
  tsgate_connections_accepted_total: {
    type: "counter",
    labels: [],
    help: "Connections that were accepted",
    samples: ({ totals }) => one(totals.accepted),
  },
  tsgate_connections_moved_total: {
    type: "counter",
    labels: ["why"],
    help: "Idle connections that went on to another worker: leaving, theirs left; uneven, it held more than its share",
    samples: ({ counters }) => Object.entries(counters.moves).map(([why, value]) => ({ labels: { why }, value })),
  },
  tsgate_upgrades_total: {
    type: "counter",
    labels: [],
    help: "Connections that went over to another protocol, such as WebSocket",
    samples: ({ totals }) => one(totals.upgrades),
  },
  tsgate_accept_queue_length: {
    type: "gauge",
    labels: ["listener"],
    help: "Connections that wait to be accepted (Linux, TCP)",
    samples: ({ listeners }) =>
      listeners.flatMap(({ address, queued }) =>
        queued === undefined ? [] : [{ labels: { listener: address }, value: queued }],
      ),
  },
  tsgate_workers: {
    type: "gauge",
    labels: ["state"],
    help: "Worker processes",
    samples: ({ counts }) => Object.entries(counts).map(([state, value]) => ({ labels: { state }, value })),
  },
  tsgate_workers_silent: {
    type: "gauge",
    labels: [],
    help: "Of the ready workers those that do not beat: they answer nobody, and /readyz does not count them",
    samples: ({ silent }) => one(silent),
  },
  tsgate_workers_wanted: {
    type: "gauge",
    labels: [],
    help: "Worker processes that are wanted",
    samples: ({ server }) => one(server.target),
  },
  tsgate_worker_boots_total: {
    type: "counter",
    labels: [],
    help: "Worker processes that were started",
    samples: ({ counters }) => one(counters.boots),
  },
  tsgate_worker_boot_seconds: {
    type: "histogram",
    labels: ["le"],
    help: "From fork to ready",
    samples: ({ counters: { bootSeconds } }) =>
      histogramSamples(BOOT_BOUNDS_SECONDS, bootSeconds.counts, bootSeconds.sum),
  },
  tsgate_worker_exits_total: {
    type: "counter",
    labels: ["cause"],
    help: "Worker processes that ended, by cause, in the words of the log",
    samples: ({ counters }) => [...counters.exits].map(([cause, value]) => ({ labels: { cause }, value })),
  },
  tsgate_worker_hangs_total: {
    type: "counter",
    labels: [],
    help: "Workers that were silent for longer than --timeout",
    samples: ({ counters }) => one(counters.hangs),
  },
  tsgate_degraded_slots: {
    type: "gauge",
    labels: [],
    help: "Slots whose workers end again and again",
    samples: ({ degradedSlots }) => one(degradedSlots.length),
  },
  tsgate_reloads_total: {
    type: "counter",
    labels: ["outcome"],
    help: "Reloads that ended",
    samples: ({ counters }) =>
      Object.entries(counters.reloads).map(([outcome, value]) => ({ labels: { outcome }, value })),
  },
  tsgate_last_reload_successful: {
    type: "gauge",
    labels: [],
    help: "0 when the last reload failed, else 1",
    samples: ({ reload }) => one(reload.last?.outcome === "failed" ? 0 : 1),
  },
  tsgate_generation: {
    type: "gauge",
    labels: [],
    help: "The generation of code and configuration that serves; 0 before the first is ready",
    samples: ({ server }) => one(server.generation),
  },
  tsgate_event_loop_utilization_ratio: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "Share of time in which the event loop was busy, 0 to 1, over the last report: a second, for the master since it was asked before",
    samples: loads(({ utilization }) => utilization),
  },
  tsgate_event_loop_delay_p50_seconds: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "How late the event loop came to a timer, over the same time: half of the times at most",
    samples: loads(({ delayP50Ms }) => delayP50Ms / 1000),
  },
  tsgate_event_loop_delay_p99_seconds: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "The same, 99 of 100 times at most",
    samples: loads(({ delayP99Ms }) => delayP99Ms / 1000),
  },
  tsgate_process_cpu_seconds_total: {
    type: "counter",
    labels: ["role", "slot"],
    help: "CPU time, user and system; of a slot that of all its workers",
    samples: ({ cpuSeconds, master }) => [
      { labels: MASTER, value: master.cpuSeconds },
      ...[...cpuSeconds].map(([slot, value]) => ({ labels: worker(slot), value })),
    ],
  },
  tsgate_process_resident_memory_bytes: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "Resident memory",
    samples: loads(({ rssBytes }) => rssBytes),
  },
  tsgate_process_heap_used_bytes: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "Memory that JavaScript objects take",
    samples: loads(({ heapUsedBytes }) => heapUsedBytes),
  },
  tsgate_process_heap_size_bytes: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "Memory that is set aside for JavaScript objects",
    samples: loads(({ heapSizeBytes }) => heapSizeBytes),
  },
  tsgate_process_open_fds: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "Open descriptors (Linux)",
    samples: loads(({ openFds }) => openFds ?? undefined),
  },
  tsgate_process_max_fds: {
    type: "gauge",
    labels: ["role", "slot"],
    help: "How many descriptors there may be (Linux)",
    samples: loads(({ maxFds }) => maxFds ?? undefined),
  },
  tsgate_log_records_dropped_total: {
    type: "counter",
    labels: ["where"],
    help: "Log records that were not written: worker, there were too many; target, it takes no more",
    samples: ({ droppedRecords, totals }) => [
      { labels: { where: "worker" }, value: totals.droppedRecords },
      { labels: { where: "target" }, value: droppedRecords },
    ],
  },
};

/** All of them for one observation. */
export function serverMetrics(observation: Observation): Family[] {
  return Object.entries(METRICS).map(([name, { type, help, samples }]) => ({
    name,
    type,
    help,
    samples: samples(observation),
  }));
}

const MASTER: Labels = { role: "master" };

function worker(slot: number): Labels {
  return { role: "worker", slot: String(slot) };
}

/** A number of each process: the master, and of each slot the worker that serves there. */
function loads(read: (load: ProcessLoad) => number | undefined): MetricRow["samples"] {
  return ({ master, workers }) =>
    [{ labels: MASTER, load: master }, ...holders(workers)].flatMap(({ labels, load }) => {
      const value = read(load);
      return value === undefined ? [] : [{ labels, value }];
    });
}

/** While a slot has two workers, the newest that is ready counts, else the newest that has reported. */
function holders(workers: readonly WorkerView[]): { labels: Labels; load: ProcessLoad }[] {
  const bySlot = new Map<number, WorkerView>();
  for (const one of workers) {
    if (one.stats === undefined) continue;
    const other = bySlot.get(one.slot);
    if (other === undefined || rankOf(one) > rankOf(other)) bySlot.set(one.slot, one);
  }
  return [...bySlot].flatMap(([slot, { stats }]) =>
    stats === undefined ? [] : [{ labels: worker(slot), load: stats.load }],
  );
}

function rankOf({ id, state }: WorkerView): number {
  return state === "ready" ? id + Number.MAX_SAFE_INTEGER / 2 : id;
}

function byEachMount(
  totals: RequestTotals,
  samples: (labels: Labels, ended: EndedRequests) => readonly Sample[],
): Sample[] {
  return Object.entries(byMount(totals)).flatMap(([mount, ended]) => samples({ mount }, ended));
}

function counted(label: string, names: readonly string[], counts: readonly number[], labels: Labels = {}): Sample[] {
  return names.map((name, index) => ({ labels: { ...labels, [label]: name }, value: counts[index] ?? 0 }));
}

/** Fine buckets added up to those that are shown. */
function shownCounts(durations: readonly number[]): number[] {
  const shown = [...SHOWN_BOUNDS_SECONDS.map(() => 0), 0];
  for (const [index, count] of durations.entries()) {
    const boundMs = DURATION_BOUNDS_MS[index] ?? Number.POSITIVE_INFINITY;
    const at = SHOWN_BOUNDS_SECONDS.findIndex((bound) => boundMs <= bound * 1000);
    const target = at === -1 ? SHOWN_BOUNDS_SECONDS.length : at;
    shown[target] = (shown[target] ?? 0) + count;
  }
  return shown;
}
