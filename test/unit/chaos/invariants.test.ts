/** The invariants of the chaos suite that need no server: each is shown what it must allow, and what it must not. */

import { describe, expect, test } from "vitest";
import type { EndKind } from "../../chaos/endings.ts";
import { expectLingering } from "../../chaos/invariants/connections.ts";
import { expectQuietLog } from "../../chaos/invariants/log.ts";
import { backoffMs, expectWithinBounds } from "../../chaos/invariants/pool.ts";
import { allowedFailures } from "../../chaos/invariants/requests.ts";
import { expectAll, Violation, violationsIn } from "../../chaos/violation.ts";
import type { LogRecord } from "../../support/log-records.ts";
import { TallyKeeper } from "../../support/traffic/tally.mjs";
import type { Failure, Tally } from "../../support/traffic/tally.mjs";

const NOW = 1_000_000;

function tally(change: Partial<Tally>): Tally {
  return { ...new TallyKeeper().snapshot(), ...change };
}

function failure(change: Partial<Failure>): Failure {
  return {
    kind: "fresh",
    outcome: "reset",
    detail: "ECONNRESET",
    openedAt: NOW,
    startedAt: NOW,
    endedAt: NOW + 10,
    bytesReceived: 0,
    repliesBefore: 0,
    localPort: 4711,
    ...change,
  };
}

function record(msg: string, fields: object = {}): LogRecord {
  return { level: 30, time: NOW, msg, ...fields };
}

const counts = (ready: number, booting = 0, draining = 0): object => ({ ready, booting, draining });

describe("requests", () => {
  const judged = (change: Partial<Failure>, kind?: EndKind): unknown => {
    const end = kind === undefined ? undefined : { kind, at: NOW - 5 };
    return allowedFailures([tally({ failures: [failure(change)] })], [], end).afterEnd;
  };

  test.each<[string, Partial<Failure>, EndKind | undefined]>([
    ["a reset without a death", {}, undefined],
    ["a refused connection", { outcome: "refused", openedAt: 0 }, undefined],
    ["a bad status", { outcome: "badStatus" }, "graceful"],
    ["a request that timed out", { outcome: "timedOut" }, "graceful"],
    ["a connection from before the stop", { openedAt: NOW - 1000 }, "graceful"],
    ["one asked for before the stop and never made", { openedAt: 0, startedAt: NOW - 1000 }, "graceful"],
    ["one that a worker had answered, after the stop", { lastPid: 7 }, "graceful"],
    ["half a reply after the stop", { bytesReceived: 9 }, "graceful"],
    ["a connection refused before the stop", { outcome: "refused", openedAt: 0, startedAt: NOW - 1000 }, "graceful"],
    ["one that a worker had answered, after the kill of the master", { lastPid: 7 }, "killed"],
    ["one from long before the kill of the master", { openedAt: NOW - 5000 }, "killed"],
    ["what failed before a quick stop", { endedAt: NOW - 1000 }, "quick"],
  ])("%s is a violation", (_, change, kind) => {
    expect(() => judged(change, kind)).toThrow(Violation);
  });

  test.each<[string, Partial<Failure>, EndKind]>([
    ["a connection refused after the stop", { outcome: "refused", openedAt: 0 }, "graceful"],
    ["a connection made after the stop and never answered", {}, "graceful"],
    ["one asked for after the stop and reset before it was made", { openedAt: 0 }, "graceful"],
    ["one that waited in the queue of a killed master", { openedAt: NOW - 500 }, "killed"],
    ["anything after a quick stop", { lastPid: 7, bytesReceived: 9 }, "quick"],
  ])("%s is allowed", (_, change, kind) => {
    expect(judged(change, kind)).toBe(1);
  });

  test("what crossed, and the client's own shortages, are no failures", () => {
    expect(judged({ outcome: "crossed" })).toBe(0);
    expect(judged({ outcome: "clientError" })).toBe(0);
  });
});

describe("the log", () => {
  const judge = (records: LogRecord[], dead: number[] = [], otherLines: string[] = []): void =>
    expectQuietLog({ records, otherLines }, [{ msg: "reload failed", generation: 3 }], dead);

  test.each<[string, LogRecord[], number[], string[]]>([
    ["an internal error", [record("internal error", { level: 50 })], [], []],
    ["a worker that went though nobody killed it", [record("worker gone", { level: 50, pid: 2 })], [1], []],
    ["a worker that hung though nobody stopped it", [record("worker hung", { level: 50, pid: 2 })], [1], []],
    ["a failed reload that was to be good", [record("reload failed", { level: 50, generation: 4 })], [], []],
    ["a drain that was cut", [record("drain deadline passed", { level: 40 })], [], []],
    [
      "a worker that served and did not leave in time",
      [record("worker ready", { pid: 2 }), record("worker killed", { level: 40, pid: 2, cause: "drain timeout" })],
      [],
      [],
    ],
    ["a line that is no record", [], [], ["(node:1) Warning: Possible EventEmitter memory leak detected"]],
  ])("%s is a violation", (_, records, dead, otherLines) => {
    expect(() => judge(records, dead, otherLines)).toThrow(Violation);
  });

  test("what events have caused is none", () => {
    const records = [
      record("worker gone", { level: 50, pid: 1 }),
      record("worker hung", { level: 50, pid: 1 }),
      record("reload failed", { level: 50, generation: 3 }),
      record("degraded", { level: 40 }),
      record("worker killed", { level: 40, pid: 3, cause: "drain timeout" }),
      record("worker gone", { pid: 2 }),
    ];
    expect(() => judge(records, [1])).not.toThrow();
  });
});

describe("the pool", () => {
  const bounds = { target: 3, cost: 0, surge: "25%" };

  test("may have fewer ready by as many as were lost, and more alive by the surge", () => {
    expect(() => expectWithinBounds([record("worker gone", counts(2))], { ...bounds, cost: 1 })).not.toThrow();
    expect(() => expectWithinBounds([record("worker ready", counts(3, 1))], bounds)).not.toThrow();
    expect(() => expectWithinBounds([record("worker ready", counts(3, 1, 1))], { ...bounds, surge: 2 })).not.toThrow();
    expect(() => expectWithinBounds([], bounds)).not.toThrow();
  });

  test.each([
    ["fewer ready", [record("worker draining", counts(2, 1))]],
    ["more alive", [record("worker spawned", counts(3, 1, 1))]],
  ])("may not have %s in a planned change", (_, records) => {
    expect(() => expectWithinBounds(records, bounds)).toThrow(Violation);
  });

  test("is judged by the fewest and the most that were wanted", () => {
    const scaled = [record("workers changed", { target: 2, ...counts(3) }), record("worker draining", counts(2))];
    expect(() => expectWithinBounds(scaled, bounds)).not.toThrow();
  });

  test("comes back when the back-off of its slots allows", () => {
    const end = (slot: number): LogRecord => record("worker gone", { level: 50, slot });
    const once = [end(0), end(1)];
    expect(backoffMs(once, NOW)).toBe(0);
    const twice = [...once, end(0)];
    expect(backoffMs(twice, NOW)).toBe(1200);
    expect(backoffMs([...twice, end(0)], NOW + 1000)).toBe(1400);
    expect(backoffMs([...twice, record("reload done"), end(0)], NOW)).toBe(1200);
    expect(backoffMs([record("worker gone", { slot: 0 }), end(0)], NOW)).toBe(0);
  });
});

describe("draining workers", () => {
  const facts = { lingerMs: 500, dead: [9] };
  const drained = [record("worker draining", { pid: 1 })];
  const judge = (change: Partial<Tally>): void => expectLingering([tally(change)], drained, facts);

  test.each<[string, Partial<Tally>]>([
    ["closes an idle connection too early", { firstIdleCloseByPid: { 1: NOW + 300 } }],
    ["closes an idle connection though it does not drain", { firstIdleCloseByPid: { 2: NOW + 300 } }],
    ["keeps a connection long after its drain began", { lastKeptByPid: { 1: NOW + 5000 } }],
  ])("one that %s is a violation", (_, change) => {
    expect(() => judge(change)).toThrow(Violation);
  });

  test("one that lingers, says that it closes, or was killed is none", () => {
    expect(() =>
      judge({ firstIdleCloseByPid: { 1: NOW + 500, 9: NOW }, lastKeptByPid: { 1: NOW + 200, 2: NOW + 9000 } }),
    ).not.toThrow();
  });

  test("those of a killed master linger from its death on", () => {
    const ready = [record("worker ready", { pid: 3 })];
    const at = (closedAt: number): void =>
      expectLingering([tally({ firstIdleCloseByPid: { 3: closedAt } })], ready, { ...facts, orphanedAt: NOW });
    expect(() => at(NOW + 600)).not.toThrow();
    expect(() => at(NOW + 100)).toThrow(Violation);
  });
});

test("all that is violated is told, and what is no violation is thrown on", () => {
  const found = (): unknown => {
    try {
      expectAll(
        () => expectWithinBounds([record("x", counts(0))], { target: 1, cost: 0, surge: 1 }),
        () => expectQuietLog({ records: [], otherLines: ["?"] }, [], []),
      );
    } catch (error) {
      return violationsIn(error).map(({ invariant }) => invariant);
    }
    return [];
  };
  expect(found()).toEqual(["ready", "log"]);
  expect(() => violationsIn(new TypeError("of the suite itself"))).toThrow("of the suite itself");
});
