/**
 * The worker's signs of life, each with the application's own word on its health. Three times false, thrown or
 * unanswered in a row, and the master is told that this worker should be replaced.
 */

import { report } from "./channel.ts";

const TOLERATED_FAILURES = 3;

/** Beats every `intervalMs`; returns the function that stops it. */
export function startHeartbeat(intervalMs: number, health: (() => unknown) | undefined): () => void {
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
    report({ tsgate: "heartbeat", isHealthy: failures < TOLERATED_FAILURES });
    void ask();
  };
  const timer = setInterval(beat, intervalMs);
  return () => clearInterval(timer);
}

async function isHealthy(health: () => unknown): Promise<boolean> {
  try {
    return (await health()) !== false;
  } catch {
    return false;
  }
}
