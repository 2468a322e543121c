import { expect, test } from "vitest";
import { nearest } from "../../../src/config/nearest.ts";

const WORDS = ["b", "workers", "worker-class", "bind", "backlog", "graceful-timeout", "timeout", "log-level"];

test.each([
  ["wrokers", "workers"],
  ["worker", "workers"],
  ["Workers", "workers"],
  ["loglevel", "log-level"],
  ["graceful_timeout", "graceful-timeout"],
  ["timout", "timeout"],
  ["bnd", "bind"],
  ["work", "workers"],
  ["bogus", undefined],
  ["zzz", undefined],
  ["", undefined],
])("%j is nearest to %j", (word, candidate) => {
  expect(nearest(word, WORDS)).toBe(candidate);
});
