/** What the tables of a comparison say of several runs. */

import { describe, expect, test } from "vitest";
import type { Contestant } from "../../compare/contestants/contestant.mjs";
import type { Cell } from "../../compare/lib/cell.mjs";
import { overview, tallies, typical } from "../../compare/lib/page.mjs";
import type { Row } from "../../compare/lib/row.mjs";
import { TallyKeeper } from "../../support/traffic/tally.mjs";

const ROW = {
  name: "hang",
  event: "a hang",
  time: "until it ends",
  otherwise: "not noticed",
  run: never,
} satisfies Row;
const ONE = {
  name: "one",
  title: "One",
  settings: "",
  problem: never,
  version: () => "1",
  start: never,
} satisfies Contestant;
const OTHER = { ...ONE, name: "other", title: "Other" };

describe("the typical run", () => {
  test("is the one in the middle by failures", () => {
    expect(typical([run({ failed: 9 }), run({ failed: 0 }), run({ failed: 2 })])).toMatchObject({ failed: 2 });
  });

  test("of two is the better one, of equals the one in the middle by time", () => {
    expect(typical([run({ failed: 9 }), run({ failed: 3 })])).toMatchObject({ failed: 3 });
    expect(typical([run({ ms: 30 }), run({ ms: 10 }), run({ ms: 20 })])).toMatchObject({ ms: 20 });
  });

  test("is one that came to an end, if most did", () => {
    expect(typical([run({ error: "no" }), run({ failed: 5 }), run({ failed: 1 })])).toMatchObject({ failed: 5 });
    expect(typical([run({ error: "no" }), run({ error: "no" }), run({ failed: 1 })])).toMatchObject({ error: "no" });
  });

  test("of none is none", () => expect(typical([])).toBe(undefined));
});

describe("the overview", () => {
  test("tells failures with their range, what is excused, and the time or what came in its place", () => {
    const cells = [run({ failed: 0, excused: 3, ms: 1500 }), run({ failed: 1234 }), run({ failed: 0, ms: 100 })];
    const others = [run({ contestant: "other" })];
    expect(
      overview([ROW], [ONE, OTHER], [...cells, ...others])
        .split("\n")
        .at(-1),
    ).toBe(
      "| _hang_: a hang. Time until it ends | **0** (0 to 1,234) failed, 3 excused; 1.5 s | **0** failed; not noticed |",
    );
  });

  test("tells where nothing ran, and where it did not come to an end", () => {
    const cells = [run({ error: "does not start" })];
    expect(overview([ROW], [ONE, OTHER], cells).split("\n").at(-1)).toBe(
      "| _hang_: a hang. Time until it ends | not measured | — |",
    );
  });
});

test("the tallies have a line for each server, as wide as their head", () => {
  const cells = [run({ remarks: ["a", "b"] }), run({ contestant: "other", error: "does not start" })];
  const [head = "", , ...lines] = tallies([ROW], [ONE, OTHER], cells).split("\n");
  expect(lines.map((line) => line.split(" | ").at(-1))).toEqual(["a; b |", "does not start |"]);
  for (const line of lines) expect(line.split(" | ").length).toBe(head.split(" | ").length);
});

function run(change: Partial<Cell>): Cell {
  const tally = new TallyKeeper().snapshot();
  const cell = { row: "hang", contestant: "one", round: 1, requests: 0, failed: 0, excused: 0, remarks: [] };
  return { ...cell, ...(change.error === undefined ? { tally } : {}), ...change };
}

function never(): never {
  throw new Error("not in these tests");
}
