/** Totals of several workers added up, and what came between two reports of one. Pure. */

import { DURATION_BOUNDS_MS, REJECTIONS, type RequestTotals, STATUS_CLASSES } from "../worker-stats.ts";

/** Nothing yet. */
export const NO_TOTALS: RequestTotals = {
  byStatus: STATUS_CLASSES.map(() => 0),
  durations: [...DURATION_BOUNDS_MS.map(() => 0), 0],
  durationMs: 0,
  bytesReceived: 0,
  bytesSent: 0,
  accepted: 0,
  upgrades: 0,
  rejected: REJECTIONS.map(() => 0),
  droppedRecords: 0,
};

export function sumOf(totals: Iterable<RequestTotals>): RequestTotals {
  let sum = NO_TOTALS;
  for (const one of totals) sum = combined(sum, one, (a, b) => a + b);
  return sum;
}

/** What was added to `before` to become `after`; nothing is ever taken away. */
export function growth(before: RequestTotals, after: RequestTotals): RequestTotals {
  return combined(after, before, (now, then) => Math.max(0, now - then));
}

/** How many requests have ended. */
export function requestsIn({ byStatus }: RequestTotals): number {
  return byStatus.reduce((sum, count) => sum + count, 0);
}

/** How many of them with a status of the server's own failure. */
export function errorsIn({ byStatus }: RequestTotals): number {
  return byStatus[STATUS_CLASSES.indexOf("5xx")] ?? 0;
}

/**
 * The duration below which the share `q` of the requests ended, in milliseconds; undefined when there were none. Within
 * a bucket they count as evenly spread; beyond the last bound it is that bound.
 */
export function quantile(durations: ArrayLike<number>, q: number): number | undefined {
  let total = 0;
  for (let index = 0; index < durations.length; index++) total += durations[index] ?? 0;
  if (total <= 0) return undefined;
  const rank = q * total;
  let below = 0;
  for (const [index, bound] of DURATION_BOUNDS_MS.entries()) {
    const count = durations[index] ?? 0;
    const lower = DURATION_BOUNDS_MS[index - 1] ?? 0;
    if (count > 0 && below + count >= rank) return Math.min(bound, lower + ((bound - lower) * (rank - below)) / count);
    below += count;
  }
  return DURATION_BOUNDS_MS.at(-1);
}

function combined(a: RequestTotals, b: RequestTotals, by: (a: number, b: number) => number): RequestTotals {
  const each = (left: readonly number[], right: readonly number[]): number[] =>
    left.map((value, index) => by(value, right[index] ?? 0));
  return {
    byStatus: each(a.byStatus, b.byStatus),
    durations: each(a.durations, b.durations),
    durationMs: by(a.durationMs, b.durationMs),
    bytesReceived: by(a.bytesReceived, b.bytesReceived),
    bytesSent: by(a.bytesSent, b.bytesSent),
    accepted: by(a.accepted, b.accepted),
    upgrades: by(a.upgrades, b.upgrades),
    rejected: each(a.rejected, b.rejected),
    droppedRecords: by(a.droppedRecords, b.droppedRecords),
  };
}
