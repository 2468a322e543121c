/** What the benchmarks are asked is looked at before anything is started. */

import { expect, test } from "vitest";
import { parseUsage } from "../../bench/lib/usage.mjs";

const KNOWN = { benchmark: ["limits", "programs"], workload: ["hello"], server: ["tsgate", "nginx"] };

test("without arguments the usual is measured with this Node", () =>
  expect(parseUsage([], KNOWN)).toEqual({
    benchmarks: [],
    all: false,
    workloads: [],
    peers: [],
    nodes: [{ node: process.execPath, version: process.version }],
    rounds: 6,
    seconds: 1,
    json: undefined,
    write: false,
  }));

test("what is given counts", () =>
  expect(
    parseUsage(["limits", "--rounds", "3", "--seconds", "0.5", "--peer", "nginx", "--workload=hello"], KNOWN),
  ).toMatchObject({ benchmarks: ["limits"], rounds: 3, seconds: 0.5, peers: ["nginx"], workloads: ["hello"] }));

test("--help is the usage", () => expect(parseUsage(["--help"], KNOWN)).toMatch(/^npm run bench -- \[NAME …\]/));

test.each([
  [["--seconds", "0"], '--seconds: "0" is no number above 0'],
  [["--seconds=-1"], '--seconds: "-1" is no number above 0'],
  [["--rounds", "nope"], '--rounds: "nope" is no whole number above 0'],
  [["--rounds", "1.5"], '--rounds: "1.5" is no whole number above 0'],
  [["--node", "/nonexistent"], "--node: /nonexistent does not run"],
  [["quux"], "no benchmark quux; there are limits; programs"],
  [["--workload", "quux"], "no workload quux; there are hello"],
  [["--peer", "quux"], "no server quux; there are tsgate; nginx"],
])("%j is refused in a sentence", (args, problem) => expect(parseUsage(args, KNOWN)).toEqual({ problem: problem }));

// Node says what, in words of its own.
test.each([[["--seconds", "-1"]], [["--quux"]]])("%j is refused in a line", (args) =>
  expect(parseUsage(args, KNOWN)).toEqual({
    problem: expect.stringMatching(new RegExp(`^.*'${args[0]}.*; --help says what there is$`)),
  }),
);
