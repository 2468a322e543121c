/** Totals of several workers added up, and what came between two reports of one. Pure. */

import { ROOT } from "../mount-point.ts";
import {
  DURATION_BOUNDS_MS,
  type EndedRequests,
  REJECTIONS,
  type RequestTotals,
  STATUS_CLASSES,
} from "../worker-stats.ts";

const NONE_ENDED: EndedRequests = {
  byStatus: STATUS_CLASSES.map(() => 0),
  durations: [...DURATION_BOUNDS_MS.map(() => 0), 0],
  durationMs: 0,
};

/** Nothing yet. */
export const NO_TOTALS: RequestTotals = {
  ...NONE_ENDED,
  byMount: {},
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

/** Requests that ended by the mount they belong to, the root's where nothing else is said. */
export function byMount(totals: RequestTotals): Readonly<Record<string, EndedRequests>> {
  const { byStatus, durations, durationMs } = totals;
  const isDivided = Object.keys(totals.byMount).length > 0;
  return isDivided ? totals.byMount : { [ROOT.text]: { byStatus, durations, durationMs } };
}

/** How many requests have ended. */
export function requestsIn({ byStatus }: EndedRequests): number {
  return byStatus.reduce((sum, count) => sum + count, 0);
}

/** How many of them with a status of the server's own failure. */
export function errorsIn({ byStatus }: EndedRequests): number {
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

type Combine = (a: number, b: number) => number;

function combined(a: RequestTotals, b: RequestTotals, by: Combine): RequestTotals {
  return {
    ...combinedEnded(a, b, by),
    byMount: combinedMounts(a, b, by),
    bytesReceived: by(a.bytesReceived, b.bytesReceived),
    bytesSent: by(a.bytesSent, b.bytesSent),
    accepted: by(a.accepted, b.accepted),
    upgrades: by(a.upgrades, b.upgrades),
    rejected: each(a.rejected, b.rejected, by),
    droppedRecords: by(a.droppedRecords, b.droppedRecords),
  };
}

function combinedEnded(a: EndedRequests, b: EndedRequests, by: Combine): EndedRequests {
  return {
    byStatus: each(a.byStatus, b.byStatus, by),
    durations: each(a.durations, b.durations, by),
    durationMs: by(a.durationMs, b.durationMs),
  };
}

/** Nothing where neither is divided: then both are the root's. */
function combinedMounts(a: RequestTotals, b: RequestTotals, by: Combine): RequestTotals["byMount"] {
  if (Object.keys(a.byMount).length === 0 && Object.keys(b.byMount).length === 0) return {};
  const [ofA, ofB] = [byMount(a), byMount(b)];
  const mounts = Object.keys({ ...ofA, ...ofB });
  return Object.fromEntries(
    mounts.map((mount) => [mount, combinedEnded(ofA[mount] ?? NONE_ENDED, ofB[mount] ?? NONE_ENDED, by)]),
  );
}

function each(left: readonly number[], right: readonly number[], by: Combine): number[] {
  return left.map((value, index) => by(value, right[index] ?? 0));
}
