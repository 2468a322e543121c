/** What the benchmarks make of their rounds. */

import { expect, test } from "vitest";
import { interleaved, lowerQuartile, median, medianRatio } from "../../bench/lib/rounds.mjs";

test("the median is in the middle, or between the two that are", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test("the lower quartile leaves a quarter below it", () => expect(lowerQuartile([8, 1, 7, 2, 6, 3, 5, 4])).toBe(3));

test("ratios are taken round by round", () => {
  // Twice as slow a machine in the last round changes nothing.
  expect(medianRatio([1, 1, 4], [2, 2, 8])).toBe(0.5);
});

test("rounds go forwards and backwards in turn, and the first counts for nothing", async () => {
  const order: string[] = [];
  const contender = (name: string) => async () => order.push(name);
  const results = await interleaved(2, { a: contender("a"), b: contender("b") });
  expect(order).toEqual(["a", "b", "b", "a", "a", "b"]);
  expect(results).toEqual({ a: [4, 5], b: [3, 6] });
});
