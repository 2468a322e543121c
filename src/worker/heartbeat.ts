/**
 * The worker's signs of life, each with what it has served, what it takes of memory and CPU, and the application's own
 * word on its health. Three times false, thrown or unanswered in a row, and the master is told that this worker should be
 * replaced. They go on while it drains, so that the master can tell one that is blocked from one that waits.
 */

import type { WorkerLoad } from "../worker-load.ts";
import { report } from "./channel.ts";
import { heapLimit } from "./heap-limit.ts";

const TOLERATED_FAILURES = 3;

export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly health: (() => unknown) | undefined;
  /** How many requests have begun. */
  readonly requests: () => number;
  readonly load: () => WorkerLoad;
  /** Memory of other processes that counts as this one's. */
  readonly besideBytes: () => number;
  /** Called at each beat. */
  readonly beaten: () => void;
}

export interface Heartbeat {
  /** Says it now, out of turn. */
  beat(): void;
  /** Beats if a beat is overdue: timers wait until everything has been served that was ready at once. */
  keepUp(): void;
  /** From here on it only beats: the application is not asked any more, and nothing is kept alive for it. */
  stopAsking(): void;
}

let beatAt: number | undefined;

/** How long ago the last beat was; null before the first. */
export function sinceBeatMs(): number | null {
  return beatAt === undefined ? null : Math.round(performance.now() - beatAt);
}

/** Begins to beat, at once. */
export function startHeartbeat({
  intervalMs,
  health,
  requests,
  load,
  besideBytes,
  beaten,
}: HeartbeatOptions): Heartbeat {
  let memory = { rss: 0, heapUsed: 0 };
  let failures = 0;
  let isAsking = false;
  let asked = health;
  const ask = async (): Promise<void> => {
    if (asked === undefined) return;
    if (isAsking) {
      failures++;
      return;
    }
    isAsking = true;
    failures = (await isHealthy(asked)) ? 0 : failures + 1;
    isAsking = false;
  };
  const beat = (): void => {
    beatAt = performance.now();
    memory = memoryUse() ?? memory;
    const { heapUsed: heapUsedBytes } = memory;
    const rssBytes = memory.rss + besideBytes();
    const { user, system } = process.cpuUsage();
    report({
      tsgate: "heartbeat",
      isHealthy: asked === undefined || failures < TOLERATED_FAILURES,
      requests: requests(),
      rssBytes,
      heapUsedBytes,
      heapLimitBytes: heapLimit(heapUsedBytes),
      cpuMs: Math.round((user + system) / 1000),
      load: load(),
    });
    beaten();
  };
  const keepUp = (): void => {
    if (performance.now() - (beatAt ?? 0) >= 2 * intervalMs) beat();
  };
  // The first tells the master where its CPU time begins.
  beat();
  const timer = setInterval(() => {
    beat();
    void ask();
  }, intervalMs);
  const stopAsking = (): void => {
    asked = undefined;
    timer.unref();
  };
  return { beat, keepUp, stopAsking };
}

/** Undefined for want of a descriptor: Node reads the resident size from a file. */
function memoryUse(): { readonly rss: number; readonly heapUsed: number } | undefined {
  try {
    return process.memoryUsage();
  } catch {
    return undefined;
  }
}

async function isHealthy(health: () => unknown): Promise<boolean> {
  try {
    return (await health()) !== false;
  } catch {
    return false;
  }
}
