import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { statusOf } from "../../../src/observe/status.ts";
import { AT, observation } from "./observation.ts";

const PAGE = readFileSync(new URL("../../../docs/operating-endpoints.md", import.meta.url), "utf8");

describe("the status", () => {
  const status = statusOf(observation());

  it("is plain data", () => {
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  });

  it("says who and how the server is", () => {
    expect(status).toMatchObject({
      schema: 1,
      at: new Date(AT).toISOString(),
      server: { name: "shop", pid: 100, state: "degraded", uptimeMs: 60_000, ready: 1, target: 2, degradedSlots: [1] },
      reload: { state: "running", generation: 3, stage: "canary", last: { outcome: "failed", error: "broken" } },
      listeners: [{ address: "127.0.0.1:8000", queued: 4 }],
      totals: { requests: 100, errors: 4, byStatus: { "2xx": 90, none: 1 }, inFlight: 3, connections: 12 },
      recent: { windowSeconds: 10 },
    });
  });

  it("has a row for each slot, with and without a worker", () => {
    expect(status.workers).toMatchObject([
      {
        slot: 0,
        pid: 105,
        state: "ready",
        ageMs: 30_000,
        requests: 100,
        bootMs: 250,
        reportedAgoMs: 400,
        lastExit: null,
      },
      {
        slot: 1,
        pid: null,
        state: "waiting",
        requests: null,
        retryInMs: 1500,
        lastExit: { cause: "crashed", code: 7 },
      },
    ]);
    expect(Object.keys(status.workers[0] ?? {}).sort()).toEqual(Object.keys(status.workers[1] ?? {}).sort());
  });

  it("has rows in the order of the slots, the newest worker of a slot first", () => {
    const seen = observation();
    const [worker] = seen.workers;
    if (worker === undefined) throw new Error("no worker");
    const workers = [5, 7, 6].map((id) => ({ ...worker, id }));
    const rows = statusOf({ ...seen, workers: [{ ...worker, slot: 2, id: 9 }, ...workers] }).workers;
    expect(rows.map(({ slot, id }) => [slot, id])).toEqual([
      [0, 7],
      [0, 6],
      [0, 5],
      [1, null],
      [2, 9],
    ]);
  });

  it("says for how long a worker has been silent, and how many of those that are ready are", () => {
    const seen = observation();
    expect(status).toMatchObject({ server: { silent: 0 }, workers: [{ silentMs: null }, { silentMs: null }] });
    const workers = seen.workers.map((one) => ({ ...one, silentMs: 4321.6 }));
    expect(statusOf({ ...seen, silent: 1, workers })).toMatchObject({
      server: { ready: 1, silent: 1 },
      workers: [{ state: "ready", silentMs: 4322 }, {}],
    });
  });

  it("knows little of a worker that has not reported", () => {
    const seen = observation();
    const workers = seen.workers.map((one) => ({ ...one, stats: undefined, reportedAt: undefined, bootMs: undefined }));
    expect(statusOf({ ...seen, workers }).workers[0]).toMatchObject({
      pid: 105,
      requests: null,
      loop: null,
      rssBytes: null,
      bootMs: null,
      reportedAgoMs: null,
    });
  });

  it("has no field that docs/operating-endpoints.md does not name", () => {
    const named = (name: string): boolean => PAGE.includes(`\`${name}\``);
    expect([...namesIn(status)].filter((name) => !/^[1-5]xx$/.test(name) && !named(name))).toEqual([]);
  });
});

/** The names of all fields, wherever they stand. */
function namesIn(value: unknown, names = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const one of value) namesIn(one, names);
  else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (!REASONS.has(name)) names.add(name);
      namesIn(inner, names);
    }
  }
  return names;
}

/** Names of reasons, which are values. */
const REASONS = new Set(["malformed", "head too large", "too slow"]);
