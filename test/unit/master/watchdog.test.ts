import { describe, expect, it } from "vitest";
import type { WorkerRecord, WorkerState } from "../../../src/master/model.ts";
import { NO_RECYCLING, UNUSED } from "../../../src/master/recycling.ts";
import { excusableLateness, overdue } from "../../../src/master/watchdog.ts";

const DEADLINE = 1000;

function worker(state: WorkerState, change: Partial<WorkerRecord> = {}): WorkerRecord {
  return {
    slot: 0,
    id: 1,
    generation: 1,
    pid: 100,
    spawnedAt: 0,
    limits: { bootTimeoutMs: 0, heartbeatTimeoutMs: 0, gracefulTimeoutMs: 0 },
    state,
    recycling: NO_RECYCLING,
    usage: UNUSED,
    unwanted: undefined,
    cause: undefined,
    hasQuitOrder: false,
    isKilled: false,
    failure: undefined,
    lacks: undefined,
    ...change,
  };
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
    expect(overdue([worker(state)], DEADLINE)).toEqual([{ id: 1, cause }]);
  });

  it("is left alone a moment before", () => {
    expect(overdue([worker(BOOTING), worker(READY), worker(DRAINING)], DEADLINE - 1)).toEqual([]);
  });

  it("is not judged twice: once killed, its exit is awaited", () => {
    expect(overdue([worker(READY, { isKilled: true })], DEADLINE + 1)).toEqual([]);
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
