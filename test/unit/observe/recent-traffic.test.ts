import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecentTraffic } from "../../../src/observe/recent-traffic.ts";
import { NO_TOTALS } from "../../../src/observe/request-totals.ts";
import type { RequestTotals } from "../../../src/worker-stats.ts";
import { bucketOf } from "../../../src/worker/request-stats.ts";

/** So many requests, some of them errors, all of them taking `ms`. */
function requests(count: number, { errors = 0, ms = 3 } = {}): RequestTotals {
  const durations = [...NO_TOTALS.durations];
  durations[bucketOf(ms)] = count;
  return { ...NO_TOTALS, byStatus: [count - errors, 0, 0, errors, 0], durations };
}

describe("the last seconds", () => {
  it("tell the rate of steady traffic, whenever they are asked and whatever the phase of the reports", () => {
    const phase = fc.integer({ min: 0, max: 999 });
    fc.assert(
      fc.property(phase, phase, (reportPhase, askPhase) => {
        const recent = new RecentTraffic(0);
        for (let second = 0; second < 30; second++)
          recent.add(second * 1000 + reportPhase, (second + 1) * 1000 + reportPhase, requests(100, { errors: 10 }));
        const { requestsPerSecond, errorsPerSecond, seconds } = recent.window(30_000 + reportPhase + askPhase * 0.9);
        expect(seconds).toBe(10);
        expect(requestsPerSecond).toBeCloseTo(100, 6);
        expect(errorsPerSecond).toBeCloseTo(10, 6);
      }),
    );
  });

  it("tell their quantiles", () => {
    const recent = new RecentTraffic(0);
    recent.add(5000, 6000, requests(98, { ms: 3 }));
    recent.add(5000, 6000, requests(2, { ms: 400 }));
    const { p50Ms = 0, p99Ms = 0 } = recent.window(9000);
    expect(p50Ms).toBeGreaterThan(2.5);
    expect(p50Ms).toBeLessThan(3.5);
    expect(p99Ms).toBeGreaterThan(350);
    expect(p99Ms).toBeLessThan(500);
  });

  it("are as many as there have been, soon after the start", () => {
    const recent = new RecentTraffic(10_000);
    recent.add(10_000, 13_000, requests(300));
    expect(recent.window(15_500)).toMatchObject({ seconds: 4, requestsPerSecond: 75 });
  });

  it("are quiet without requests", () => {
    expect(new RecentTraffic(0).window(100_000)).toEqual({
      seconds: 10,
      requestsPerSecond: 0,
      errorsPerSecond: 0,
      p50Ms: undefined,
      p99Ms: undefined,
    });
  });
});

describe("the last minute", () => {
  it("holds everything that was reported for it, second by second", () => {
    const report = fc.record({
      from: fc.integer({ min: 0, max: 50_000 }),
      lengthMs: fc.integer({ min: 1, max: 9000 }),
      count: fc.integer({ min: 0, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(report, { maxLength: 20 }), (reports) => {
        const recent = new RecentTraffic(0);
        const inOrder = reports.toSorted((a, b) => a.from + a.lengthMs - (b.from + b.lengthMs));
        for (const { from, lengthMs, count } of inOrder) recent.add(from, from + lengthMs, requests(count));
        const seconds = recent.seconds(61_000);
        expect(seconds).toHaveLength(60);
        const told = seconds.reduce((sum, second) => sum + second.requests, 0);
        expect(told).toBeCloseTo(
          reports.reduce((sum, { count }) => sum + count, 0),
          4,
        );
      }),
    );
  });

  it("has what happened once in one second, and counts nothing by halves", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 1, max: 5000 }), (from, lengthMs) => {
        const recent = new RecentTraffic(0);
        recent.add(from, from + lengthMs, requests(1, { errors: 1, ms: 400 }));
        const seconds = recent.seconds(61_000);
        expect(seconds.filter(({ requests }) => requests > 0)).toMatchObject([{ requests: 1, errors: 1 }]);
        expect(seconds.filter(({ p99Ms }) => p99Ms !== undefined)).toHaveLength(1);
      }),
    );
  });

  it("forgets what is older", () => {
    const recent = new RecentTraffic(0);
    recent.add(1000, 2000, requests(5));
    recent.add(100_000, 101_000, requests(7));
    expect(recent.seconds(103_000).reduce((sum, second) => sum + second.requests, 0)).toBe(7);
  });
});
