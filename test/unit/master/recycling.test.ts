import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RecyclingLimits, WorkerUsage } from "../../../src/master/model.ts";
import {
  afterBeat,
  isHeldBack,
  MEMORY_PAUSE_MS,
  NO_RECYCLING,
  recyclingAt,
  recyclingDue,
  recyclingFacts,
  recyclingLimits,
  recyclingReason,
  UNUSED,
} from "../../../src/master/recycling.ts";
import type { Usage } from "../../../src/messages.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";

const POOL_LIMITS = { surge: 1, bootTimeoutMs: 60_000, heartbeatTimeoutMs: 30_000, gracefulTimeoutMs: 30_000 };
const NOTHING = { maxRequests: 0, maxRequestsJitter: 0, maxWorkerAge: 0, maxMemory: 0 };
const READY_AT = 1000;

/** A pool with one ready worker, whose id is 1. */
function poolOfOne(recycling: Partial<RecyclingLimits> = {}): WorkerPool {
  const pool = new WorkerPool(1, POOL_LIMITS, 0);
  pool.beginRollout(1, 0);
  pool.spawned(1, 100, 0, 1, 0, POOL_LIMITS, { ...NO_RECYCLING, ...recycling });
  pool.ready(1, READY_AT);
  pool.promoteRollout();
  pool.endRollout();
  return pool;
}

/** A heartbeat. */
function said(requests: number, rssBytes: number): Usage {
  return { requests, rssBytes, heapUsedBytes: 0, heapLimitBytes: 0 };
}

function due(pool: WorkerPool, now: number): string[] {
  return recyclingDue(pool, now).map(({ why }) => why);
}

describe("a worker is recycled", () => {
  it("for its requests when it has begun as many as it may", () => {
    const pool = poolOfOne({ requests: 10 });
    pool.heartbeat(1, 2000, said(9, 0));
    expect(due(pool, 2000)).toEqual([]);
    pool.heartbeat(1, 2000, said(10, 0));
    expect(due(pool, 2000)).toEqual(["max requests"]);
  });

  it("for its age, counted from when it was ready", () => {
    const pool = poolOfOne({ ageMs: 5000 });
    expect(due(pool, READY_AT + 4999)).toEqual([]);
    expect(due(pool, READY_AT + 5000)).toEqual(["max age"]);
  });

  it("for its memory when three heartbeats in a row have shown too much", () => {
    const pool = poolOfOne({ rssBytes: 100 });
    for (const rssBytes of [101, 101, 100, 101, 101]) {
      pool.heartbeat(1, 2000, said(0, rssBytes));
      expect(due(pool, 2000)).toEqual([]);
    }
    pool.heartbeat(1, 2000, said(0, 101));
    expect(due(pool, 2000)).toEqual(["max memory"]);
  });

  it("never, when nothing limits it", () => {
    const pool = poolOfOne();
    pool.heartbeat(1, 1e9, said(1e9, 1e15));
    pool.heartbeat(1, 1e9, said(1e9, 1e15));
    pool.heartbeat(1, 1e9, said(1e9, 1e15));
    expect(due(pool, 1e9)).toEqual([]);
  });

  it("not while it boots or drains, nor when it is to be replaced anyway", () => {
    const pool = poolOfOne({ requests: 1 });
    pool.heartbeat(1, 2000, said(1, 0));
    pool.unwanted(1, "unhealthy", 2000);
    expect(due(pool, 2000)).toEqual([]);
    const draining = poolOfOne({ ageMs: 1 });
    draining.draining(1, "scaled down", 5000);
    expect(due(draining, 5000)).toEqual([]);
    draining.spawned(2, 101, 0, 1, 5000, POOL_LIMITS, { ...NO_RECYCLING, ageMs: 1 });
    expect(due(draining, 9000)).toEqual([]);
  });

  it.each([
    { during: "a reload", begin: (pool: WorkerPool) => pool.beginRollout(2, 6000) },
    { during: "a stop", begin: (pool: WorkerPool) => pool.beginStop({ kind: "graceful", serveUntil: 99_000 }) },
  ])("not during $during", ({ begin }) => {
    const pool = poolOfOne({ ageMs: 5000 });
    begin(pool);
    expect(due(pool, 7000)).toEqual([]);
  });

  it("during a first start, which may never be over", () => {
    const pool = new WorkerPool(2, POOL_LIMITS, 0);
    pool.beginRollout(1, 0);
    pool.spawned(1, 100, 0, 1, 0, POOL_LIMITS, { ...NO_RECYCLING, ageMs: 5000 });
    pool.ready(1, READY_AT);
    pool.promoteRollout();
    expect(due(pool, 7000)).toEqual(["max age"]);
  });

  it("once the reload is over", () => {
    const pool = poolOfOne({ ageMs: 5000 });
    pool.beginRollout(2, 6000);
    pool.endRollout();
    expect(due(pool, 7000)).toEqual(["max age"]);
  });
});

describe("what replaces a worker that was recycled for its memory", () => {
  const settings = { ...NOTHING, maxMemory: 100 };

  it("is not recycled for that itself for a while, but is named", () => {
    const pool = poolOfOne({ rssBytes: 100 });
    pool.unwanted(1, "max memory", 5000);
    const recycling = recyclingLimits(settings, pool, 0, 5000, 0);
    pool.spawned(2, 101, 0, 1, 5000, POOL_LIMITS, recycling);
    pool.draining(1, "max memory", 5000);
    pool.ready(2, 5100);
    for (let beat = 1; beat <= 3; beat++) pool.heartbeat(2, 6000, said(0, 101));
    const worker = pool.worker(2);
    if (worker === undefined) throw new Error("gone");
    expect(recyclingReason(worker, 6000)).toBeUndefined();
    expect(isHeldBack(worker, 6000)).toBe(true);
    expect(recyclingAt(worker)).toBe(5000 + MEMORY_PAUSE_MS);
    expect(recyclingReason(worker, 5000 + MEMORY_PAUSE_MS)).toBe("max memory");
    expect(isHeldBack(worker, 5000 + MEMORY_PAUSE_MS)).toBe(false);
  });

  it("holds nothing back for a worker in another seat, nor for one that replaces another kind of worker", () => {
    const pool = poolOfOne({ rssBytes: 100 });
    pool.unwanted(1, "max memory", 5000);
    expect(recyclingLimits(settings, pool, 1, 5000, 0).memoryNotBefore).toBe(0);
    const other = poolOfOne({ rssBytes: 100 });
    other.unwanted(1, "max requests", 5000);
    expect(recyclingLimits(settings, other, 0, 5000, 0).memoryNotBefore).toBe(0);
  });
});

describe("the limits of one worker", () => {
  const draw = (settings: Partial<typeof NOTHING>, random: number): RecyclingLimits =>
    recyclingLimits({ ...NOTHING, ...settings }, poolOfOne(), 0, 0, random);

  it.each([
    [{ maxRequests: 100, maxRequestsJitter: 20 }, 0, { requests: 100 }],
    [{ maxRequests: 100, maxRequestsJitter: 20 }, 0.999_999, { requests: 120 }],
    [{ maxRequests: 100 }, 0.999_999, { requests: 100 }],
    [{ maxRequestsJitter: 20 }, 0.5, { requests: 0 }],
    [{ maxWorkerAge: 1000 }, 0, { ageMs: 1000 }],
    [{ maxWorkerAge: 1000 }, 0.5, { ageMs: 950 }],
    [{ maxMemory: 1024 }, 0.5, { rssBytes: 1024, memoryNotBefore: 0 }],
  ])("of %j, by chance %d: %j", (settings, random, limits) => {
    expect(draw(settings, random)).toMatchObject(limits);
  });

  it("are N to N + jitter requests and 90 to 100 % of the age, each number reached", () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.nat({ max: 999_999 }), (millionths) => {
        const random = millionths / 1e6;
        const { requests, ageMs } = draw({ maxRequests: 10, maxRequestsJitter: 3, maxWorkerAge: 1000 }, random);
        seen.add(requests);
        expect([10, 11, 12, 13]).toContain(requests);
        expect(ageMs).toBeGreaterThan(899);
        expect(ageMs).toBeLessThanOrEqual(1000);
      }),
      { numRuns: 500 },
    );
    expect(seen.size).toBe(4);
  });
});

describe("through every series of heartbeats", () => {
  const LIMITS = { ...NO_RECYCLING, rssBytes: 100 };
  const beats = fc.array(fc.integer({ min: 90, max: 110 }), { maxLength: 40 });

  it("memory counts exactly when the last three were above the limit", () => {
    fc.assert(
      fc.property(beats, (sizes) => {
        let usage: WorkerUsage = UNUSED;
        for (const rssBytes of sizes) usage = afterBeat(usage, said(0, rssBytes), LIMITS);
        const lastThree = sizes.slice(-3);
        expect(usage.beatsAbove >= 3).toBe(lastThree.length === 3 && lastThree.every((size) => size > 100));
      }),
    );
  });

  it("nobody is recycled below every limit", () => {
    const series = fc.array(fc.record({ requests: fc.nat({ max: 99 }), rssBytes: fc.nat({ max: 100 }) }));
    fc.assert(
      fc.property(series, fc.integer({ min: READY_AT, max: READY_AT + 999 }), (reports, now) => {
        const pool = poolOfOne({ requests: 100, ageMs: 1000, rssBytes: 100 });
        for (const { requests, rssBytes } of reports) pool.heartbeat(1, now, said(requests, rssBytes));
        expect(due(pool, now)).toEqual([]);
      }),
    );
  });
});

describe("the log", () => {
  it("says what a recycled worker has served, and nothing of one that leaves for another reason", () => {
    const pool = poolOfOne({ requests: 5 });
    pool.heartbeat(1, 2000, said(7, 1024));
    const worker = pool.worker(1);
    if (worker === undefined) throw new Error("gone");
    expect(recyclingFacts(worker, "max requests", 3500.4)).toEqual({ requests: 7, rssBytes: 1024, ageMs: 2500 });
    expect(recyclingFacts(worker, "reload", 3500)).toEqual({});
  });
});
