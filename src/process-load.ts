/**
 * How busy this process is: its event loop, CPU, memory and descriptors. Asking costs a few microseconds; the loop's
 * delay is sampled all the time, by a timer of Node's own that runs no JavaScript.
 */

import fs from "node:fs";
import { readdir } from "node:fs/promises";
import type { IntervalHistogram } from "node:perf_hooks";

export interface ProcessLoad {
  /** User and system time since the process began. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapSizeBytes: number;
  /** The share of time in which the event loop was not waiting, 0 to 1, since the sample before. */
  readonly utilization: number;
  /** How late the event loop came to a timer, since the sample before. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  /** Open descriptors, and how many there may be; null where the system does not tell. */
  readonly openFds: number | null;
  readonly maxFds: number | null;
}

/** How often the loop's delay is looked at; each look wakes an idle process. */
const RESOLUTION_MS = 50;
/** Counting descriptors one by one takes too long to do it often. */
const COUNT_EVERY_MS = 10_000;

export class LoadSampler {
  readonly #delays: IntervalHistogram;
  readonly #maxFds = descriptorLimit();
  #utilization = performance.eventLoopUtilization();
  #counted = { atMs: Number.NEGATIVE_INFINITY, fds: null as number | null };

  constructor(delays: IntervalHistogram) {
    this.#delays = delays;
    delays.enable();
  }

  sample(): ProcessLoad {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    const before = this.#utilization;
    this.#utilization = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(this.#utilization, before);
    const delays = [50, 99].map((share) => lateness(this.#delays.percentile(share)));
    this.#delays.reset();
    return {
      cpuSeconds: (user + system) / 1e6,
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapSizeBytes: heapTotal,
      utilization,
      delayP50Ms: delays[0] ?? 0,
      delayP99Ms: delays[1] ?? 0,
      openFds: this.#openFds(),
      maxFds: this.#maxFds,
    };
  }

  stop(): void {
    this.#delays.disable();
  }

  #openFds(): number | null {
    if (this.#maxFds === null) return null;
    // From Linux 6.2 on the folder's size is their number; before it they have to be listed.
    const { size } = fs.statSync(FOLDER);
    if (size > 0) return size;
    const now = performance.now();
    if (now - this.#counted.atMs >= COUNT_EVERY_MS) {
      this.#counted.atMs = now;
      readdir(FOLDER).then(
        (names) => (this.#counted.fds = names.length - 1),
        () => {},
      );
    }
    return this.#counted.fds;
  }
}

/** Begins to watch this process. What it needs is loaded only now. */
export async function startSampling(): Promise<LoadSampler> {
  const { monitorEventLoopDelay } = await import("node:perf_hooks");
  return new LoadSampler(monitorEventLoopDelay({ resolution: RESOLUTION_MS }));
}

/** What the histogram holds are the times from one look to the next. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
}

const FOLDER = "/proc/self/fd";

function descriptorLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "latin1"))?.[1];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}
