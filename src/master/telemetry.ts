/**
 * What the master tells those who look at it from outside: it puts together what the pool, the chronicle and the workers'
 * reports say at this moment. Answers from the master's own memory; only the application's metrics are asked of workers.
 */

import { type ApplicationMetric, areApplicationMetrics } from "../application-metrics.ts";
import { monotonicNow } from "../deadline.ts";
import { queueLengths, socketInode } from "../listen-queue.ts";
import type { Order } from "../messages.ts";
import type { AdminSource } from "../observe/admin-server.ts";
import { applicationText, familyText } from "../observe/exposition.ts";
import type { EmptySlot, ListenerView, Observation, ServerState, WorkerView } from "../observe/observation.ts";
import { serverMetrics } from "../observe/server-metrics.ts";
import { type Status, statusOf } from "../observe/status.ts";
import { Traffic } from "../observe/traffic.ts";
import { type LoadSampler, startSampling } from "../process-load.ts";
import { version } from "../version.ts";
import { isWorkerStats } from "../worker-stats.ts";
import { Chronicle } from "./chronicle.ts";
import type { Listener } from "./listeners.ts";
import { MetricsGatherer } from "./metrics-gatherer.ts";
import { isAnswering, isReady, type WorkerRecord } from "./model.ts";
import { applicationsText } from "./release.ts";
import type { Releases } from "./releases.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** The master's own load is not looked at more often. */
const SAMPLE_EVERY_MS = 1000;

export interface TelemetryOptions {
  readonly pool: WorkerPool;
  readonly releases: Releases;
  readonly listeners: () => readonly Listener[];
  /** What serves on them. */
  readonly transport: () => string;
  readonly send: (id: number, order: Order) => void;
  /** Records that the log's target was too slow for. */
  readonly droppedRecords: () => number;
}

export class Telemetry implements AdminSource {
  readonly chronicle = new Chronicle();
  readonly #options: TelemetryOptions;
  readonly #traffic = new Traffic(monotonicNow());
  readonly #gatherer: MetricsGatherer;
  readonly #version = version();
  #sampler: LoadSampler | undefined;
  #sample: { readonly load: Observation["master"]; readonly at: number } | undefined;

  constructor(options: TelemetryOptions) {
    this.#options = options;
    this.#gatherer = new MetricsGatherer({
      workers: () => options.pool.workers.filter(({ state }) => state.name !== "booting").map(({ id }) => id),
      send: options.send,
    });
  }

  async start(): Promise<void> {
    this.#sampler = await startSampling();
  }

  stop(): void {
    this.#sampler?.stop();
  }

  /** A worker's report of what it has done. */
  reported({ id, slot, spawnedAt }: WorkerRecord, stats: unknown, now: number): void {
    if (isWorkerStats(stats)) this.#traffic.report(id, slot, stats, spawnedAt, now);
  }

  /** What a worker's application says of itself. */
  applicationMetrics({ id }: WorkerRecord, request: number, metrics: readonly ApplicationMetric[] | null): void {
    if (metrics === null || areApplicationMetrics(metrics)) this.#gatherer.take(id, request, metrics);
  }

  gone({ id }: WorkerRecord): void {
    this.#traffic.gone(id);
    this.#gatherer.gone(id);
  }

  status(): Status {
    return statusOf(this.#observe());
  }

  /** The text of `/metrics`: our own, and behind it the application's. */
  async metrics(): Promise<string> {
    const application = await this.#gatherer.gather();
    const { name } = this.#settings();
    const labels = name === "tsgate" ? {} : { name };
    const own = serverMetrics(this.#observe()).map((family) => familyText(family, labels));
    return [...own, ...application.map((metric) => applicationText(metric))].join("");
  }

  /** Why the server is not ready; undefined when it is. */
  unreadiness(): string | undefined {
    const { pool } = this.#options;
    if (pool.stop !== undefined) return "stopping";
    const { minReady } = this.#settings();
    const answering = pool.workers.filter(isAnswering).length;
    if (answering >= minReady) return undefined;
    const silent = this.#silent();
    return `${answering} of ${minReady} workers ready${silent === 0 ? "" : `, ${silent} silent`}`;
  }

  /** What lets other machines read the status. */
  token(): string | undefined {
    const { pool, releases } = this.#options;
    return releases.current(pool).configuration.adminToken;
  }

  #observe(): Observation {
    const { pool, releases, droppedRecords } = this.#options;
    const now = monotonicNow();
    const at = Date.now();
    const { booting, ready, draining } = pool.counts();
    const { startedAt, counters, events, lastExits } = this.chronicle;
    return {
      at,
      server: {
        name: this.#settings().name,
        version: this.#version,
        node: process.version,
        pid: process.pid,
        startedAt,
        app: applicationsText(releases.current(pool)),
        state: this.#state(),
        generation: pool.generation,
        target: pool.target,
      },
      counts: { booting, ready, draining },
      silent: this.#silent(),
      degradedSlots: pool.degradedSlots(),
      reload: this.#reload(now, at),
      listeners: this.#listeners(),
      workers: pool.workers.flatMap((worker) => this.#worker(worker, now, at)),
      emptySlots: this.#emptySlots(now),
      lastExits,
      totals: this.#traffic.totals(),
      ...this.#traffic.now(),
      window: this.#traffic.recent.window(now),
      seconds: this.#traffic.recent.seconds(now),
      counters,
      cpuSeconds: this.#traffic.cpuSeconds(),
      master: this.#load(now),
      droppedRecords: droppedRecords(),
      events,
    };
  }

  #state(): ServerState {
    const { pool } = this.#options;
    if (pool.stop !== undefined) return "draining";
    if (pool.generation === 0) return "starting";
    return pool.degradedSlots().length > 0 || !pool.workers.some(isAnswering) ? "degraded" : "serving";
  }

  #silent(): number {
    return this.#options.pool.workers.filter((worker) => isReady(worker) && worker.isSilent).length;
  }

  #reload(now: number, at: number): Observation["reload"] {
    const { rollout } = this.#options.pool;
    const isReload = rollout !== undefined && !rollout.isFirstStart;
    return {
      running: isReload
        ? { generation: rollout.generation, stage: rollout.stage, startedAt: at - (now - rollout.startedAt) }
        : undefined,
      last: this.chronicle.lastReload,
    };
  }

  #listeners(): ListenerView[] {
    const listeners = this.#options.listeners();
    const inodes = listeners.map(({ handle, tcp }) =>
      tcp === undefined || handle.fd === undefined ? undefined : socketInode(handle.fd),
    );
    const queues = queueLengths(inodes.filter((inode) => inode !== undefined));
    return listeners.map(({ address }, index) => ({
      address,
      transport: this.#options.transport(),
      queued: queues.get(inodes[index] ?? ""),
    }));
  }

  #worker(worker: WorkerRecord, now: number, at: number): WorkerView[] {
    const { slot, id, pid, generation, state, spawnedAt, isSilent, lastBeat } = worker;
    if (state.name === "gone") return [];
    const heard = this.#traffic.heard(id);
    return [
      {
        slot,
        id,
        pid,
        generation,
        state: state.name,
        why: state.name === "draining" ? state.why : undefined,
        silentMs: isSilent && lastBeat !== undefined ? Math.max(0, now - lastBeat.at) : undefined,
        spawnedAt: at - (now - spawnedAt),
        bootMs: this.chronicle.bootMs(id),
        stats: heard?.stats,
        reportedAt: heard === undefined ? undefined : at - (now - heard.at),
      },
    ];
  }

  #emptySlots(now: number): EmptySlot[] {
    const { pool } = this.#options;
    if (pool.generation === 0 || pool.stop !== undefined) return [];
    const taken = new Set(pool.workers.map(({ slot }) => slot));
    return Array.from({ length: pool.target }, (_, slot) => slot)
      .filter((slot) => !taken.has(slot))
      .map((slot) => ({ slot, retryInMs: Math.max(0, pool.slotHistory(slot).notBefore - now) }));
  }

  #load(now: number): Observation["master"] {
    if (this.#sample === undefined || now - this.#sample.at >= SAMPLE_EVERY_MS) {
      const load = this.#sampler?.sample() ?? UNKNOWN_LOAD;
      this.#sample = { load, at: now };
    }
    return this.#sample.load;
  }

  #settings(): ReturnType<Releases["settings"]> {
    return this.#options.releases.settings(this.#options.pool);
  }
}

/** Before anybody could ask. */
const UNKNOWN_LOAD: Observation["master"] = {
  cpuSeconds: 0,
  rssBytes: 0,
  heapUsedBytes: 0,
  heapSizeBytes: 0,
  utilization: 0,
  delayP50Ms: 0,
  delayP99Ms: 0,
  openFds: null,
  maxFds: null,
};
