import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstJsonError } from "../../../src/config/json-error.ts";

describe("the first error in JSON", () => {
  test.each([
    ["", 1, 1, "the text ends too early: a value is expected"],
    ['{"a": 1,}', 1, 9, "there is a comma before the }"],
    ["[1,\n]", 2, 1, "there is a comma before the ]"],
    ['{"a" 1}', 1, 6, "a colon is expected after the key"],
    ["{a: 1}", 1, 2, "a key in double quotes is expected"],
    ["{'a': 1}", 1, 2, "a key in double quotes is expected"],
    ["{\"a\": 'b'}", 1, 7, "strings take double quotes"],
    ['{"a": 1 "b": 2}', 1, 9, "a comma or } is expected"],
    ["[1 2]", 1, 4, "a comma or ] is expected"],
    ['{\n  "a": tru\n}', 2, 8, "a value is expected"],
    ['{\n  // why\n  "a": 1\n}', 2, 3, "comments are not JSON"],
    ['{"a": 1} x', 1, 10, "nothing more is expected"],
    ['{"a": 1', 1, 8, "the text ends too early: a comma or } is expected"],
    ['{"a": "b', 1, 7, "a value is expected"],
    ["01", 1, 1, "a value is expected"],
  ])("%j stands at %d:%d: %s", (text, line, column, expected) => {
    const error = firstJsonError(text);
    expect(error).toMatchObject({ line, column });
    expect(error.expected).toContain(expected);
  });

  test("is found wherever a valid text was cut off or disturbed", () => {
    const broken = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom("", "}", "]", ",", ":", "x", '"'))
      .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put)
      .filter((text) => !isJson(text));
    fc.assert(
      fc.property(broken, (text) => {
        const { line, column, expected } = firstJsonError(text);
        expect(line).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual(text.length + 1);
        expect(expected).not.toBe("something is wrong here");
      }),
      { numRuns: 1000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
