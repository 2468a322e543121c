/** A process that did not run is told from one that had nothing to do. */

import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { watchStandstill } from "../../compare/lib/standstill.mjs";

test("time in which nothing ran is a standstill, waiting is not", async () => {
  const standstill = watchStandstill();
  onTestFinished(() => standstill.end());
  await sleep(700);
  const waitedMs = standstill.longestMs();
  const endsAt = performance.now() + 700;
  while (performance.now() < endsAt);
  expect(standstill.longestMs()).toBeGreaterThanOrEqual(590);
  expect(waitedMs).toBeLessThan(590);
});
