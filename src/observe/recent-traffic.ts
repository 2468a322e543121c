/**
 * The last minute, second by second: what the workers' reports tell, each spread evenly over the time that it is about,
 * in whole requests: what happened once is in one second.
 * Instants are milliseconds of any clock that does not jump; each call brings its own.
 */

import { DURATION_BOUNDS_MS, type RequestTotals } from "../worker-stats.ts";
import { errorsIn, quantile, requestsIn } from "./request-totals.ts";

/** How many seconds are told. */
export const RECENT_SECONDS = 60;
/** How many of them are looked at together. */
const WINDOW_SECONDS = 10;
/** The reports about the newest seconds are still on their way. */
const PENDING_SECONDS = 2;
/** How long ago the newest second that is told began, or a little less. */
export const RECENT_LAG_SECONDS = PENDING_SECONDS;
/** Seconds that are kept: those that are told, the pending ones, and the present one. */
const KEPT = RECENT_SECONDS + PENDING_SECONDS + 1;

export interface TrafficWindow {
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  /** Undefined when no request has ended. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** One second; the newest is the last of a list. */
export interface TrafficSecond {
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

interface Bucket {
  second: number;
  requests: number;
  errors: number;
  readonly durations: Float64Array;
}

export class RecentTraffic {
  readonly #startedAt: number;
  readonly #buckets: Bucket[] = Array.from({ length: KEPT }, () => ({
    second: -1,
    requests: 0,
    errors: 0,
    durations: new Float64Array(DURATION_BOUNDS_MS.length + 1),
  }));

  constructor(now: number) {
    this.#startedAt = now;
  }

  /** Takes what came to pass between two instants. */
  add(from: number, to: number, growth: RequestTotals): void {
    const begin = Math.max(Math.min(from, to - 1), to - KEPT * 1000);
    for (let second = Math.floor(begin / 1000); second * 1000 < to; second++) {
      const beforeMs = Math.max(0, second * 1000 - begin);
      const untilMs = Math.min(to, (second + 1) * 1000) - begin;
      this.#fill(second, growth, (count) => part(count, untilMs / (to - begin)) - part(count, beforeMs / (to - begin)));
    }
  }

  /** The last ten seconds of which everything has been told, or as many as there have been. */
  window(now: number): TrafficWindow {
    const end = Math.floor(now / 1000) - PENDING_SECONDS;
    const durations = new Float64Array(DURATION_BOUNDS_MS.length + 1);
    let [requests, errors] = [0, 0];
    for (let second = end - WINDOW_SECONDS + 1; second <= end; second++) {
      const bucket = this.#at(second);
      if (bucket === undefined) continue;
      requests += bucket.requests;
      errors += bucket.errors;
      for (const [index, count] of bucket.durations.entries()) durations[index] = (durations[index] ?? 0) + count;
    }
    const lived = Math.floor(end + 1 - this.#startedAt / 1000);
    const seconds = Math.max(1, Math.min(WINDOW_SECONDS, lived));
    return {
      seconds,
      requestsPerSecond: requests / seconds,
      errorsPerSecond: errors / seconds,
      p50Ms: quantile(durations, 0.5),
      p99Ms: quantile(durations, 0.99),
    };
  }

  /** The last minute of which everything has been told, oldest second first. */
  seconds(now: number): TrafficSecond[] {
    const end = Math.floor(now / 1000) - PENDING_SECONDS;
    return Array.from({ length: RECENT_SECONDS }, (_, index) => {
      const bucket = this.#at(end - RECENT_SECONDS + 1 + index);
      if (bucket === undefined) return NOTHING;
      const { requests, errors, durations } = bucket;
      return { requests, errors, p50Ms: quantile(durations, 0.5), p99Ms: quantile(durations, 0.99) };
    });
  }

  #at(second: number): Bucket | undefined {
    const bucket = this.#buckets[((second % KEPT) + KEPT) % KEPT];
    return bucket?.second === second ? bucket : undefined;
  }

  /** @param shareOf what of a count belongs to that second */
  #fill(second: number, growth: RequestTotals, shareOf: (count: number) => number): void {
    const bucket = this.#buckets[((second % KEPT) + KEPT) % KEPT];
    if (bucket === undefined || bucket.second > second) return;
    if (bucket.second < second) {
      bucket.second = second;
      bucket.requests = 0;
      bucket.errors = 0;
      bucket.durations.fill(0);
    }
    bucket.requests += shareOf(requestsIn(growth));
    bucket.errors += shareOf(errorsIn(growth));
    for (const [index, count] of growth.durations.entries())
      bucket.durations[index] = (bucket.durations[index] ?? 0) + shareOf(count);
  }
}

/** What of a count has come to pass when `share` of its time has. */
function part(count: number, share: number): number {
  return Math.round(count * share);
}

const NOTHING: TrafficSecond = { requests: 0, errors: 0, p50Ms: undefined, p99Ms: undefined };
