import { describe, expect, it } from "vitest";
import { isAnswering, type WorkerRecord, type WorkerState } from "../../../src/master/model.ts";
import { newWorker } from "../../../src/master/new-worker.ts";
import { NO_RECYCLING } from "../../../src/master/recycling.ts";
import { deadlineOf, excusableLateness, overdue, silentAt } from "../../../src/master/watchdog.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";

const DEADLINE = 1000;

function worker(state: WorkerState, change: Partial<WorkerRecord> = {}): WorkerRecord {
  const limits = { bootTimeoutMs: 0, heartbeatTimeoutMs: 0, gracefulTimeoutMs: 0 };
  const birth = { id: 1, pid: 100, slot: 0, generation: 1, spawnedAt: 0, deadline: DEADLINE };
  return { ...newWorker({ ...birth, limits, recycling: NO_RECYCLING }), state, ...change };
}

const BOOTING: WorkerState = { name: "booting", progress: "forked", listenAt: 0, deadline: DEADLINE };
const READY: WorkerState = { name: "ready", since: 0, deadline: DEADLINE };
const DRAINING: WorkerState = { name: "draining", why: "reload", deadline: DEADLINE };

describe("a worker whose deadline has passed", () => {
  it.each([
    { state: BOOTING, cause: "boot timeout" },
    { state: READY, cause: "hung" },
    { state: DRAINING, cause: "drain timeout" },
  ])("is overdue when $state.name, because of: $cause", ({ state, cause }) => {
    expect(overdue([worker(state)], DEADLINE)).toMatchObject([{ id: 1, cause }]);
  });

  it("is left alone a moment before", () => {
    expect(overdue([worker(BOOTING), worker(READY), worker(DRAINING)], DEADLINE - 1)).toEqual([]);
  });

  it("is not judged twice: once killed, its exit is awaited", () => {
    expect(overdue([worker(READY, { isKilled: true })], DEADLINE + 1)).toEqual([]);
  });
});

describe("a worker that is overdue", () => {
  const limits = { bootTimeoutMs: 0, heartbeatTimeoutMs: 30_000, gracefulTimeoutMs: 0 };
  const hastier = { ...limits, heartbeatTimeoutMs: 1000 };
  const never = { ...limits, heartbeatTimeoutMs: 0 };
  const lastBeat = (silentMs: number): WorkerRecord["lastBeat"] => ({ at: DEADLINE - silentMs, cpuMs: 7 });

  it.each([
    { what: "hangs", state: READY, change: {}, isAsked: true },
    { what: "boots", state: BOOTING, change: { lastBeat: lastBeat(9000) }, isAsked: false },
    { what: "drains and beats", state: DRAINING, change: { limits, lastBeat: lastBeat(1499) }, isAsked: false },
    { what: "drains and is silent", state: DRAINING, change: { limits, lastBeat: lastBeat(1500) }, isAsked: true },
    {
      what: "drains without --timeout",
      state: DRAINING,
      change: { limits: never, lastBeat: lastBeat(1500) },
      isAsked: true,
    },
    {
      what: "drains with a short one",
      state: DRAINING,
      change: { limits: hastier, lastBeat: lastBeat(1000) },
      isAsked: true,
    },
    { what: "drains and was never ready", state: DRAINING, change: { limits }, isAsked: false },
    { what: "has to leave at once", state: READY, change: { hasQuitOrder: true }, isAsked: false },
  ])("when it $what is asked first what blocks it: $isAsked", ({ state, change, isAsked }) => {
    expect(overdue([worker(state, change)], DEADLINE)).toMatchObject([{ isAskedFirst: isAsked }]);
  });

  const examined = { cause: "hung", until: DEADLINE + 1000 } as const;

  it("is not asked twice, but killed at the latest when its time to answer is over", () => {
    const asked = worker(READY, { examined });
    expect(overdue([asked], DEADLINE + 999)).toEqual([]);
    expect(overdue([asked], DEADLINE + 1000)).toEqual([{ id: 1, cause: "hung", isAskedFirst: false }]);
  });

  it("keeps that deadline and that cause when it is told to drain meanwhile", () => {
    const asked = worker({ ...DRAINING, deadline: DEADLINE + 30_000 }, { examined });
    expect(overdue([asked], DEADLINE + 1000)).toEqual([{ id: 1, cause: "hung", isAskedFirst: false }]);
  });

  it("is not waited for longer than anybody else when all have to leave at once", () => {
    const asked = worker({ ...DRAINING, deadline: DEADLINE + 500 }, { examined, hasQuitOrder: true });
    expect(deadlineOf(asked)).toBe(DEADLINE + 500);
  });
});

describe("a wake-up that comes late", () => {
  it.each([
    { lateBy: 0, excused: 0 },
    { lateBy: 500, excused: 0 },
    { lateBy: 501, excused: 501 },
    { lateBy: 60_000, excused: 60_000 },
  ])("by $lateBy ms moves the deadlines by $excused ms", ({ lateBy, excused }) => {
    expect(excusableLateness(DEADLINE, DEADLINE + lateBy)).toBe(excused);
  });
});

describe("a worker that sends no heartbeat", () => {
  const limits = (heartbeatTimeoutMs: number) => ({ bootTimeoutMs: 0, heartbeatTimeoutMs, gracefulTimeoutMs: 0 });
  const lastBeat = { at: DEADLINE, cpuMs: 7 };

  it.each([
    [0, 3000],
    [30_000, 3000],
    [4000, 3000],
    [3000, 2250],
    [1000, 1500],
    [200, 1500],
  ])("with a --timeout of %i ms is silent after %i ms", (timeoutMs, silentMs) => {
    expect(silentAt(worker(READY, { lastBeat, limits: limits(timeoutMs) }))).toBe(DEADLINE + silentMs);
  });

  it.each([
    ["has never beaten", {}],
    ["is silent already", { lastBeat, isSilent: true }],
    ["is being killed", { lastBeat, isKilled: true }],
  ])("does not become silent when it %s", (_, change) => {
    expect(silentAt(worker(READY, change))).toBe(Number.POSITIVE_INFINITY);
  });

  it("is silent until it beats, and no longer for the time in which the master was not running", () => {
    const pool = new WorkerPool(1, { ...limits(30_000), surge: 1 }, 0);
    pool.spawned(1, 100, 0, 1, 0);
    pool.ready(1, 1000);
    pool.postpone(5000);
    expect(pool.workers.map(silentAt)).toEqual([9000]);
    pool.silent(1);
    expect(pool.workers.map(isAnswering)).toEqual([false]);
    pool.heartbeat(1, 9500);
    expect(pool.workers.map(isAnswering)).toEqual([true]);
    expect(pool.workers.map(silentAt)).toEqual([12_500]);
  });
});
