import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatSize,
  LONGEST_DURATION_MS,
  parseAssignment,
  parseChoice,
  parseDuration,
  parseInteger,
  parseSize,
  parseSurge,
  parseSwitch,
  parseText,
} from "../../../src/config/values.ts";

describe("a duration", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["30", 30_000],
    ["2.5", 2500],
    ["0.25s", 250],
    [".5", 500],
    ["1.5m", 90_000],
    ["0", 0],
    ["0ms", 0],
    [" 10 s ", 10_000],
    [30, 30_000],
    [0.5, 500],
    [0, 0],
    ["596h", 2_145_600_000],
  ])("%j is %d ms", (given, ms) => {
    expect(parseDuration(given)).toBe(ms);
  });

  test.each([
    ["x", "not a duration"],
    ["", "not a duration"],
    ["5d", "not a duration"],
    ["-1s", "not a duration"],
    ["1h30m", "not a duration"],
    ["1e3", "not a duration"],
    ["30 s s", "not a duration"],
    [-1, "not a duration"],
    [Number.NaN, "not a duration"],
    [Number.POSITIVE_INFINITY, "not a duration"],
    [null, "not a duration"],
    [true, "not a duration"],
    [[], "not a duration"],
    ["600h", "too long"],
    ["0.1ms", "too short"],
    [0.0001, "too short"],
  ])("%j is refused: %s", (given, complaint) => {
    expect(() => parseDuration(given)).toThrow(complaint);
  });

  test("that must not be 0 says how short it may be", () => {
    expect(() => parseDuration("0", 1)).toThrow('"0" is too short; give at least 1ms');
  });

  test("survives being shown and read again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_DURATION_MS }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });

  test.each([
    [0, "0"],
    [999, "999ms"],
    [60_000, "60s"],
    [75_000, "75s"],
    [300_000, "5m"],
    [3_600_000, "1h"],
  ])("of %d ms is shown as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe("a size", () => {
  test.each([
    ["0", 0],
    ["8190", 8190],
    ["8k", 8192],
    ["8K", 8192],
    ["8kb", 8192],
    ["8KiB", 8192],
    ["512m", 512 * 1024 ** 2],
    ["1.5g", 1.5 * 1024 ** 3],
    [4096, 4096],
  ])("%j is %d bytes", (given, bytes) => {
    expect(parseSize(given)).toBe(bytes);
  });

  test.each(["x", "-1", "8q", "", null, Number.NaN, {}])("%j is refused", (given) => {
    expect(() => parseSize(given)).toThrow("not a size");
  });

  test("survives being shown and read again", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});

describe("a whole number", () => {
  test.each([
    ["4", 4],
    [4, 4],
    ["+4", 4],
    ["007", 7],
  ])("%j is %d", (given, number) => {
    expect(parseInteger(given, 1, 10)).toBe(number);
  });

  test.each([
    ["0", "0 is too small; give a whole number of at least 1"],
    ["-1", "-1 is too small"],
    ["11", "11 is too large; give a whole number of at most 10"],
    ["x", '"x" is not a whole number; give one from 1 to 10'],
    ["", "not a whole number"],
    ["1.5", "not a whole number"],
    ["0x10", "not a whole number"],
    ["1e1", "not a whole number"],
    [1.5, "not a whole number"],
    [null, "null is not a whole number"],
    [true, "not a whole number"],
    [Number.NaN, "not a whole number"],
  ])("%j is refused: %s", (given, complaint) => {
    expect(() => parseInteger(given, 1, 10)).toThrow(complaint);
  });
});

describe("a surge", () => {
  test.each([
    ["25%", { kind: "percent", value: 25 }],
    ["25 %", { kind: "percent", value: 25 }],
    ["100%", { kind: "percent", value: 100 }],
    ["1", { kind: "count", value: 1 }],
    [3, { kind: "count", value: 3 }],
  ])("%j is %j", (given, surge) => {
    expect(parseSurge(given)).toEqual(surge);
  });

  test.each([
    ["0", "no room for a new worker"],
    ["0%", "no room for a new worker"],
    ["101%", "more than all workers at once"],
    ["-1", "neither a count nor a share"],
    ["25.5%", "neither a count nor a share"],
    ["x", "neither a count nor a share"],
    [null, "neither a count nor a share"],
    [0.25, "neither a count nor a share"],
  ])("%j is refused: %s", (given, complaint) => {
    expect(() => parseSurge(given)).toThrow(complaint);
  });
});

describe("a word of a few", () => {
  test("is taken as it is", () => {
    expect(parseChoice("json", ["auto", "json"])).toBe("json");
  });

  test("is refused with the nearest one named", () => {
    expect(() => parseChoice("jsno", ["auto", "pretty", "json"])).toThrow(
      '"jsno" is not known; did you mean json? (one of auto, pretty, json)',
    );
  });

  test.each([["fetch"], [1], [null]])("%j is refused with all of them named", (given) => {
    expect(() => parseChoice(given, ["auto", "pretty"])).toThrow("give one of auto, pretty");
  });
});

describe("a switch", () => {
  test.each([
    ["1", true],
    ["0", false],
    [true, true],
    [false, false],
    [1, true],
    [0, false],
  ])("%j is %j", (given, on) => {
    for (const place of ["environment", "file"] as const) expect(parseSwitch(given, place)).toBe(on);
  });

  test.each([
    ["true", "environment", '"true" is not a switch; give 1 or 0'],
    ["yes", "environment", "give 1 or 0"],
    ["yes", "file", '"yes" is not a switch; give true or false'],
    [2, "file", "give true or false"],
    [{}, "file", "give true or false"],
  ] as const)("%j of the %s is refused: %s", (given, place, complaint) => {
    expect(() => parseSwitch(given, place)).toThrow(complaint);
  });
});

describe("a text", () => {
  test.each([
    ["", '"" is empty; give a name'],
    ["  ", "is empty; give a name"],
    ["a\nb", "control character"],
    [7, "7 is not a name; give a string"],
  ])("%j is refused: %s", (given, complaint) => {
    expect(() => parseText(given, "a name")).toThrow(complaint);
  });
});

describe("an assignment", () => {
  test.each([
    ["A=b", ["A", "b"]],
    ["A=", ["A", ""]],
    ["A=b=c", ["A", "b=c"]],
    ["A=two\nlines", ["A", "two\nlines"]],
    ["my.key=1", ["my.key", "1"]],
  ])("%j is %j", (given, halves) => {
    expect(parseAssignment(given)).toEqual(halves);
  });

  test.each(["A", "=b", "", "1A=b", "A B=c", 4, "A=\0"])("%j is refused", (given) => {
    expect(() => parseAssignment(given)).toThrow("is not an assignment; give KEY=VALUE");
  });
});
