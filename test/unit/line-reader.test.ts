import { expect, it } from "vitest";
import { LineReader } from "../../src/line-reader.ts";

it("lines come out whole, however they came in", () => {
  const reader = new LineReader(10);
  expect(reader.push("ab")).toEqual([]);
  expect(reader.push("c\nd")).toEqual(["abc"]);
  expect(reader.push("\n\nef\n")).toEqual(["d", "", "ef"]);
});

it("a line that is too long, complete or not, ends the reading", () => {
  expect(new LineReader(3).push("abcd")).toBeUndefined();
  expect(new LineReader(3).push("abcd\n")).toBeUndefined();
  expect(new LineReader(3).push("abc\nabc")).toEqual(["abc"]);
});
