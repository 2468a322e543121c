import { describe, expect, it } from "vitest";
import type { WorkerRecord, WorkerState } from "../../../src/master/model.ts";
import { newWorker } from "../../../src/master/new-worker.ts";
import { NO_RECYCLING } from "../../../src/master/recycling.ts";
import { stackWay } from "../../../src/master/stack-way.ts";

const NOW = 100_000;
const READY: WorkerState = { name: "ready", since: 0, deadline: NOW + 1 };
const DRAINING: WorkerState = { name: "draining", why: "reload", deadline: NOW + 1 };
const BOOTING: WorkerState = { name: "booting", progress: "forked", listenAt: 0, deadline: NOW + 1 };
const beat = (silentMs: number): Partial<WorkerRecord> => ({ lastBeat: { at: NOW - silentMs, cpuMs: 1 } });

function worker(state: WorkerState, change: Partial<WorkerRecord>, timeoutMs = 30_000): WorkerRecord {
  const limits = { bootTimeoutMs: 0, heartbeatTimeoutMs: timeoutMs, gracefulTimeoutMs: 0 };
  const birth = { id: 1, pid: 4127, slot: 2, generation: 1, spawnedAt: 0, deadline: NOW };
  return { ...newWorker({ ...birth, limits, recycling: NO_RECYCLING }), state, ...change };
}

describe("a worker that is to be looked at", () => {
  it.each([
    { what: "beats", state: READY, change: beat(900), by: "profile" },
    { what: "has just become ready", state: READY, change: {}, by: "profile" },
    { what: "drains and beats", state: DRAINING, change: beat(900), by: "profile" },
    { what: "is late", state: READY, change: beat(1500), by: "examination" },
    { what: "drains and is late", state: DRAINING, change: beat(1500), by: "examination" },
  ])("that $what is asked by $by", ({ state, change, by }) => {
    expect(stackWay(worker(state, change), NOW)).toEqual({ by });
  });

  it("is late without --timeout too, and sooner with a short one", () => {
    expect(stackWay(worker(READY, beat(1500), 0), NOW)).toEqual({ by: "examination" });
    expect(stackWay(worker(READY, beat(500), 500), NOW)).toEqual({ by: "examination" });
  });

  it.each([
    { state: BOOTING, change: {}, why: "is still booting; it can be looked at when it is ready" },
    { state: READY, change: { isKilled: true }, why: "is being killed" },
    { state: READY, change: { hasQuitOrder: true }, why: "is leaving" },
    { state: { name: "gone" } as const, change: {}, why: "is leaving" },
    {
      state: READY,
      change: { ...beat(30_000), examined: { cause: "hung", until: NOW } } satisfies Partial<WorkerRecord>,
      why: "hangs and is replaced right now; the log says what it is at",
    },
  ])("cannot be, and hears why: $why", ({ state, change, why }) => {
    expect(stackWay(worker(state, change), NOW)).toEqual({
      by: "nothing",
      why: `the worker in slot 2 (pid 4127) ${why}`,
    });
  });
});
