/** One seed for a minute, as `npm run test:chaos -- --seed 4 --seconds 60` plays it. */

import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";
import { accountOf, eventsOf, requestsOf, tallyOf } from "./report.ts";

const SEED = 4;
const SECONDS = 60;

test(`a minute of seed ${SEED} violates nothing`, { timeout: 300_000 }, async () => {
  const report = await runChaos({ seed: SEED, seconds: SECONDS });
  expect(accountOf(report)).toBe("");
  // It is no proof unless something has happened, and somebody has asked meanwhile.
  expect(Object.keys(eventsOf(report)).length).toBeGreaterThan(3);
  expect(requestsOf(report)).toBeGreaterThan(1000);
  console.log(tallyOf(report).join("\n"));
});
