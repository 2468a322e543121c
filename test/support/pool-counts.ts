/** What the four counts of the server's records tell of the pool over time. */

import type { LogRecord } from "./log-records.ts";

interface Counts {
  readonly booting: number;
  readonly ready: number;
  readonly draining: number;
}

/** The most workers that were ever alive at once. */
export function mostAlive(records: readonly LogRecord[]): number {
  return Math.max(...countsOf(records).map(({ booting, ready, draining }) => booting + ready + draining));
}

/** The fewest workers that were ready at any time from the record `from` on. */
export function fewestReady(records: readonly LogRecord[], from = 0): number {
  return Math.min(...countsOf(records.slice(from)).map(({ ready }) => ready));
}

function countsOf(records: readonly LogRecord[]): Counts[] {
  return records.flatMap(({ booting, ready, draining }) =>
    typeof booting === "number" && typeof ready === "number" && typeof draining === "number"
      ? [{ booting, ready, draining }]
      : [],
  );
}
