import { describe, expect, it } from "vitest";
import { Chronicle } from "../../../src/master/chronicle.ts";
import type { EndCause, WorkerRecord } from "../../../src/master/model.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";

const LIMITS = { surge: 1, bootTimeoutMs: 0, heartbeatTimeoutMs: 0, gracefulTimeoutMs: 1000 };

/** A chronicle of a pool with one worker, which ends as the test says. */
function oneWorker(): {
  chronicle: Chronicle;
  worker: WorkerRecord;
  ends: (cause: EndCause, isSaidElsewhere?: boolean) => void;
} {
  const pool = new WorkerPool(1, LIMITS, 0);
  pool.spawned(7, 107, 0, 1, 0);
  const worker = pool.worker(7);
  if (worker === undefined) throw new Error("no worker");
  const chronicle = new Chronicle();
  chronicle.spawned();
  const ends = (cause: EndCause, isSaidElsewhere = false): void => {
    const isAbnormal = cause !== "reload" && cause !== "stop";
    const departure = {
      worker,
      lastState: worker.state,
      failure: undefined,
      loading: undefined,
      lacks: undefined,
      cause,
      isAbnormal,
    };
    chronicle.gone(departure, 7, null, isSaidElsewhere);
  };
  return { chronicle, worker, ends };
}

const typesOf = (chronicle: Chronicle): string[] => chronicle.events.map(({ type }) => type);

describe("the end of a worker", () => {
  it("is counted by its cause, and kept as the last of its slot", () => {
    const { chronicle, ends } = oneWorker();
    ends("reload");
    expect(chronicle.counters.exits.get("reload")).toBe(1);
    expect(chronicle.counters.exits.get("crashed")).toBe(0);
    expect(chronicle.lastExits.get(0)).toMatchObject({ cause: "reload", pid: 107, code: 7, signal: undefined });
    expect(typesOf(chronicle)).toEqual(["started"]);
  });

  it("is an event when nobody asked for it", () => {
    const { chronicle, ends } = oneWorker();
    ends("crashed");
    expect(chronicle.events.at(-1)).toMatchObject({ type: "crashed", slot: 0, pid: 107, why: "crashed", code: 7 });
  });

  it("tells what the application threw at a request, or in its own life", () => {
    const { chronicle, worker } = oneWorker();
    const error = { name: "Error", message: "no database", stack: "at app.js:1" };
    chronicle.applicationError(worker, { method: "GET", path: "/cart", requestId: undefined, error });
    chronicle.applicationError(worker, { function: "shutdown", error: { ...error, message: "late" } });
    expect(chronicle.events.slice(1)).toMatchObject([
      { type: "application error", slot: 0, request: "GET /cart", error: "no database", stack: "at app.js:1" },
      { type: "application error", slot: 0, why: "in shutdown()", error: "late" },
    ]);
  });

  it("is told once: not again when a reload fails by it, nor when its beginning was told", () => {
    const { chronicle, worker, ends } = oneWorker();
    ends("crashed", true);
    chronicle.killed(worker, "hung", { found: "in JavaScript", stack: "at app.js:1" });
    ends("hung");
    chronicle.uncaught(worker, { name: "Error", message: "oops", stack: "at app.js:2" });
    ends("uncaught exception");
    chronicle.draining(worker, "closed by the application");
    ends("closed by the application");
    chronicle.killed(worker, "drain timeout");
    ends("drain timeout");
    expect(typesOf(chronicle)).toEqual(["started", "hung", "uncaught exception", "replaced", "killed"]);
    expect(chronicle.events.find(({ type }) => type === "hung")).toMatchObject({
      error: "in JavaScript",
      stack: "at app.js:1",
    });
    expect(chronicle.counters.hangs).toBe(1);
  });
});

describe("a drain", () => {
  it("is an event when the worker is replaced for its own sake", () => {
    const { chronicle, worker } = oneWorker();
    for (const why of ["reload", "stop", "scaled down", "superseded", "rollout aborted"] as const)
      chronicle.draining(worker, why);
    expect(typesOf(chronicle)).toEqual(["started"]);
    chronicle.draining(worker, "unhealthy");
    expect(chronicle.events.at(-1)).toMatchObject({ type: "replaced", why: "unhealthy", slot: 0 });
  });
});

describe("a reload", () => {
  it("is counted by its outcome, with the time that it took", () => {
    const { chronicle } = oneWorker();
    chronicle.reloadStarted(2);
    chronicle.reloadDone(2);
    expect(chronicle.counters.reloads).toEqual({ done: 1, failed: 0, superseded: 0 });
    expect(chronicle.lastReload).toMatchObject({ outcome: "done", generation: 2, tookMs: expect.any(Number) });
  });

  it("is superseded when the next begins before it is through", () => {
    const { chronicle } = oneWorker();
    chronicle.reloadStarted(2);
    chronicle.reloadSuperseded(2);
    chronicle.reloadStarted(3);
    expect(chronicle.lastReload).toMatchObject({ outcome: "superseded", generation: 2 });
    chronicle.reloadFailed(3, "broken", "at app.js:1");
    expect(chronicle.counters.reloads).toEqual({ done: 0, failed: 1, superseded: 1 });
    expect(chronicle.lastReload).toMatchObject({ outcome: "failed", error: "broken", stack: "at app.js:1" });
  });

  it("that cannot even be read leaves the one that is on its way alone", () => {
    const { chronicle } = oneWorker();
    chronicle.reloadStarted(2);
    chronicle.reloadFailed(3, "no such file", undefined);
    expect(chronicle.lastReload).toMatchObject({ outcome: "failed", generation: 3, tookMs: undefined });
    chronicle.reloadDone(2);
    expect(chronicle.counters.reloads).toEqual({ done: 1, failed: 1, superseded: 0 });
    expect(chronicle.lastReload).toMatchObject({ outcome: "done", generation: 2 });
  });
});

it("times from fork to ready fill the buckets of a histogram, and are known of who lives", () => {
  const { chronicle, worker, ends } = oneWorker();
  chronicle.ready(worker, 400);
  chronicle.ready(worker, 100_000);
  expect(chronicle.counters.bootSeconds).toEqual({ counts: [0, 0, 1, 0, 0, 0, 0, 0, 0, 1], sum: 100.4 });
  expect(chronicle.bootMs(7)).toBe(100_000);
  ends("stop");
  expect(chronicle.bootMs(7)).toBeUndefined();
});
