/** Totals and reports of workers, as values. */

import fc from "fast-check";
import { NO_TOTALS } from "../../../src/observe/request-totals.ts";
import type { RequestTotals, WorkerStats } from "../../../src/worker-stats.ts";

export function arbitraryTotals(): fc.Arbitrary<RequestTotals> {
  const count = fc.integer({ min: 0, max: 1_000_000 });
  const list = (length: number): fc.Arbitrary<number[]> => fc.array(count, { minLength: length, maxLength: length });
  return fc.record({
    byStatus: list(NO_TOTALS.byStatus.length),
    durations: list(NO_TOTALS.durations.length),
    durationMs: count,
    bytesReceived: count,
    bytesSent: count,
    accepted: count,
    upgrades: count,
    byMount: fc.constant({}),
    rejected: list(NO_TOTALS.rejected.length),
    droppedRecords: count,
  });
}

/** A report of a worker that has done nothing but `totals`. */
export function statsWith(
  totals: Partial<RequestTotals>,
  rest: Partial<Omit<WorkerStats, "totals">> = {},
): WorkerStats {
  return {
    totals: { ...NO_TOTALS, ...totals },
    inFlight: 0,
    connections: 0,
    sinceMs: 1000,
    load: {
      cpuSeconds: 1,
      rssBytes: 50_000_000,
      heapUsedBytes: 8_000_000,
      heapSizeBytes: 10_000_000,
      utilization: 0.25,
      delayP50Ms: 1,
      delayP99Ms: 10,
      openFds: 20,
      maxFds: 1024,
    },
    ...rest,
  };
}
