import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorsIn, growth, NO_TOTALS, quantile, requestsIn, sumOf } from "../../../src/observe/request-totals.ts";
import { DURATION_BOUNDS_MS, isWorkerStats, type RequestTotals } from "../../../src/worker-stats.ts";
import { bucketOf } from "../../../src/worker/request-stats.ts";
import { arbitraryTotals, statsWith } from "./totals.ts";

/** The buckets of these durations in milliseconds. */
function bucketsOf(durations: readonly number[]): number[] {
  const buckets = [...NO_TOTALS.durations];
  for (const ms of durations) buckets[bucketOf(ms)] = (buckets[bucketOf(ms)] ?? 0) + 1;
  return buckets;
}

describe("totals", () => {
  it("add up, number by number", () => {
    fc.assert(
      fc.property(fc.array(arbitraryTotals(), { maxLength: 5 }), (all) => {
        const sum = sumOf(all);
        expect(requestsIn(sum)).toBe(all.reduce((count, one) => count + requestsIn(one), 0));
        expect(errorsIn(sum)).toBe(all.reduce((count, one) => count + errorsIn(one), 0));
        expect(sum.durations.length).toBe(DURATION_BOUNDS_MS.length + 1);
      }),
    );
  });

  it("grow by what came between, and never by less than nothing", () => {
    fc.assert(
      fc.property(arbitraryTotals(), arbitraryTotals(), (before, added) => {
        expect(growth(before, sumOf([before, added]))).toEqual(added);
        expect(growth(sumOf([before, added]), before)).toEqual(NO_TOTALS);
      }),
    );
  });
});

describe("a quantile of durations", () => {
  it("lies in the bucket of the duration that it stands for", () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 59_999, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99, 1), (list, q) => {
        const sorted = list.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * list.length) - 1)] ?? 0;
        const bucket = bucketOf(exact);
        const found = quantile(bucketsOf(list), q) ?? Number.NaN;
        expect(found).toBeGreaterThanOrEqual(DURATION_BOUNDS_MS[bucket - 1] ?? 0);
        expect(found).toBeLessThanOrEqual(DURATION_BOUNDS_MS[bucket] ?? Number.NaN);
      }),
    );
  });

  it("is that of an even spread within a bucket, the last bound beyond it, and none of nothing", () => {
    expect(quantile(bucketsOf([9, 9, 9, 9]), 0.5)).toBe(8.5);
    expect(quantile(bucketsOf([100_000]), 0.5)).toBe(60_000);
    expect(quantile(bucketsOf([]), 0.5)).toBeUndefined();
  });
});

describe("a report", () => {
  it("is believed when it is whole", () => {
    expect(isWorkerStats(statsWith({}))).toBe(true);
    expect(isWorkerStats(JSON.parse(JSON.stringify(statsWith({ bytesSent: 5 }))))).toBe(true);
  });

  it.each<readonly [string, unknown]>([
    ["nothing", undefined],
    ["a text", "stats"],
    ["an empty object", {}],
    ["counts that are no numbers", { ...statsWith({}), inFlight: "1" }],
    ["a count that is negative", { ...statsWith({}), connections: -1 }],
    ["totals that lack one", { ...statsWith({}), totals: { ...NO_TOTALS, bytesSent: undefined } }],
    ["totals with a list that is too short", statsWith({ byStatus: [1, 2] })],
    ["totals with a list of something else", statsWith({ durations: Array.from({ length: 40 }, () => null) as never })],
    ["no load", { ...statsWith({}), load: null }],
    ["a load that is not a number", { ...statsWith({}), load: { ...statsWith({}).load, rssBytes: Number.NaN } }],
  ])("is not believed when it is %s", (_, value) => {
    expect(isWorkerStats(value)).toBe(false);
  });
});

it("every duration has a bucket, which ends at the first bound that is not below it", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 200_000, noNaN: true }), (ms) => {
      const bucket = bucketOf(ms);
      expect(DURATION_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(ms);
      expect(DURATION_BOUNDS_MS[bucket - 1] ?? -1).toBeLessThan(ms);
    }),
  );
  const totals: RequestTotals = NO_TOTALS;
  expect(totals.durations).toHaveLength(DURATION_BOUNDS_MS.length + 1);
});
