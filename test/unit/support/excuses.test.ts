/** Which failures a worker's death excuses: as a matrix of what is known of the connection. */

import { describe, expect, test } from "vitest";
import { judge } from "../../support/traffic/excuses.mjs";
import type { Failure } from "../../support/traffic/tally.mjs";

const NOW = 1_000_000;
const DEATH = { pid: 7, from: NOW, to: NOW + 20, ports: [4711], unix: 0 };

function failure(change: Partial<Failure> = {}): Failure {
  return {
    kind: "fresh",
    outcome: "reset",
    detail: "ECONNRESET",
    openedAt: NOW - 10,
    startedAt: NOW - 5,
    endedAt: NOW + 5,
    bytesReceived: 0,
    repliesBefore: 0,
    localPort: 4711,
    ...change,
  };
}

const onUnix = (change: Partial<Failure> = {}): Failure => {
  const { localPort: _, ...rest } = failure(change);
  return rest;
};

const reasons = (failures: readonly Failure[], deaths = [DEATH]): readonly string[] =>
  judge(failures, deaths).excused.map(({ reason }) => reason);

describe("a failure is excused", () => {
  test("when the worker that the connection last saw died meanwhile", () => {
    expect(reasons([failure({ lastPid: 7, localPort: 1 })])).toEqual(["seen"]);
    expect(reasons([failure({ lastPid: 7, outcome: "closedBeforeReply" })])).toEqual(["seen"]);
    expect(reasons([failure({ lastPid: 7, bytesReceived: 100 })])).toEqual(["seen"]);
  });

  test("when the dead worker held the connection, though it had not answered on it", () => {
    expect(reasons([failure()])).toEqual(["held"]);
  });

  test("when the dead worker held the connection, which had come from another", () => {
    expect(reasons([failure({ lastPid: 8 })])).toEqual(["held"]);
  });

  test("on a unix socket, as often as the dead worker held connections", () => {
    const failures = [onUnix({ lastPid: 7 }), onUnix(), onUnix()];
    expect(reasons(failures, [{ ...DEATH, unix: 2 }])).toEqual(["seen", "counted"]);
    expect(judge(failures, [{ ...DEATH, unix: 2 }]).unexcused).toEqual([failures[2]]);
  });

  test("by the death that it belongs to, of several", () => {
    const other = { ...DEATH, pid: 8, ports: [4712] };
    const found = judge([failure(), failure({ localPort: 4712 })], [DEATH, other]).excused;
    expect(found.map(({ pid }) => pid)).toEqual([7, 8]);
  });
});

describe("a failure is not excused", () => {
  test.each<[string, Failure]>([
    ["when another worker had answered on the connection, and still has it", failure({ lastPid: 8, localPort: 4712 })],
    ["when the dead worker did not hold it: it waited in the queue", failure({ localPort: 4712 })],
    ["when it was over long before the death", failure({ startedAt: NOW - 5000, endedAt: NOW - 4000 })],
    ["when it began long after the death", failure({ lastPid: 7, startedAt: NOW + 5000, endedAt: NOW + 5010 })],
    ["when the connection was refused", failure({ outcome: "refused", openedAt: 0 })],
    ["when it timed out", failure({ outcome: "timedOut", lastPid: 7 })],
    ["when the reply was bad", failure({ outcome: "badStatus", lastPid: 7 })],
    ["on a unix socket of which the dead worker held none", onUnix()],
  ])("%s", (_, one) => {
    expect(judge([one], [DEATH])).toEqual({ excused: [], unexcused: [one] });
  });

  test("on a unix socket once a part of the reply was there", () => {
    const half = onUnix({ bytesReceived: 10 });
    expect(judge([half], [{ ...DEATH, unix: 5 }]).unexcused).toEqual([half]);
  });

  test("without a death", () => {
    expect(judge([failure(), onUnix()], []).unexcused).toHaveLength(2);
  });
});
