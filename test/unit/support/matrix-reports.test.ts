/** What the matrix says of the runs on several Nodes, and what .ci/run counts of it. */

import path from "node:path";
import { expect, test } from "vitest";
import { failuresOf, merged } from "../../matrix/reports.mjs";
import type { Report } from "../../matrix/reports.mjs";

const GOOD: Report = {
  success: true,
  numPassedTests: 2,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 0,
  testResults: [{ name: path.resolve("test/a.test.ts"), status: "passed", assertionResults: [] }],
};
const BAD: Report = {
  success: false,
  numPassedTests: 3,
  numFailedTests: 1,
  numPendingTests: 0,
  numTodoTests: 1,
  testResults: [
    {
      name: path.resolve("test/a.test.ts"),
      status: "failed",
      assertionResults: [
        { status: "passed", fullName: "adds", failureMessages: [] },
        {
          status: "failed",
          fullName: "subtracts",
          failureMessages: ["Error: 1\n    at /x/a.test.ts:3:4\n    at /x/node_modules/@vitest/runner/index.js:1:1"],
        },
      ],
    },
    { name: path.resolve("test/b.test.ts"), status: "failed", message: "does not parse", assertionResults: [] },
  ],
};

test("failed tests and unreadable files are named, without the frames of vitest", () => {
  expect(failuresOf(GOOD)).toEqual([]);
  expect(failuresOf(undefined)).toEqual([]);
  expect(failuresOf(BAD)).toEqual([
    { name: "test/a.test.ts: subtracts", message: "Error: 1\n    at /x/a.test.ts:3:4\n" },
    { name: "test/b.test.ts", message: "does not parse" },
  ]);
});

test("the reports of all Nodes are one sum, which fails when one of them does", () => {
  expect(merged([GOOD, BAD, GOOD])).toEqual({
    success: false,
    numPassedTests: 7,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [...GOOD.testResults, ...BAD.testResults, ...GOOD.testResults],
  });
  expect(merged([GOOD, GOOD]).success).toBe(true);
});
