import fc from "fast-check";
import { expect, it } from "vitest";
import { isFull } from "../../../src/worker/connection-limit.ts";

it.each<[connections: number, limit: number, wasFull: boolean, full: boolean]>([
  [1_000_000, 0, false, false],
  [99, 100, false, false],
  [100, 100, false, true],
  [101, 100, true, true],
  [96, 100, true, true],
  [95, 100, true, false],
  [1, 1, false, true],
  [0, 1, true, false],
  [9, 10, true, false],
])("%i connections, at most %i, full before: %s; full: %s", (connections, limit, wasFull, full) => {
  expect(isFull(connections, limit, wasFull)).toBe(full);
});

it("a worker is full at the limit whatever was before, and never when it has no connection", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.boolean(), (limit, wasFull) => {
      expect(isFull(limit, limit, wasFull)).toBe(true);
      expect(isFull(0, limit, wasFull)).toBe(false);
    }),
  );
});
