/**
 * The worker's signs of life, each with what it has served, how much memory it takes, and the application's own word on
 * its health. Three times false, thrown or unanswered in a row, and the master is told that this worker should be
 * replaced.
 */

import { report } from "./channel.ts";
import { heapUse } from "./heap-use.ts";

const TOLERATED_FAILURES = 3;

export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly health: (() => unknown) | undefined;
  /** How many requests have begun. */
  readonly requests: () => number;
}

export interface Heartbeat {
  /** Says it now, out of turn. */
  beat(): void;
  stop(): void;
}

/** Begins to beat. */
export function startHeartbeat({ intervalMs, health, requests }: HeartbeatOptions): Heartbeat {
  let failures = 0;
  let isAsking = false;
  const ask = async (): Promise<void> => {
    if (health === undefined) return;
    if (isAsking) {
      failures++;
      return;
    }
    isAsking = true;
    failures = (await isHealthy(health)) ? 0 : failures + 1;
    isAsking = false;
  };
  const beat = (): void => {
    const { rss: rssBytes, heapUsed } = process.memoryUsage();
    const usage = { requests: requests(), rssBytes, heap: heapUse(heapUsed) };
    report({ tsgate: "heartbeat", isHealthy: failures < TOLERATED_FAILURES, ...usage });
  };
  const timer = setInterval(() => {
    beat();
    void ask();
  }, intervalMs);
  return { beat, stop: () => clearInterval(timer) };
}

async function isHealthy(health: () => unknown): Promise<boolean> {
  try {
    return (await health()) !== false;
  } catch {
    return false;
  }
}
