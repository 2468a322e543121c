/** A death excuses what it ended, and nothing else. */

import { describe, expect, test } from "vitest";
import { excusedCount } from "../../compare/lib/excuses.mjs";
import { TallyKeeper } from "../../support/traffic/tally.mjs";
import type { Failure, Tally } from "../../support/traffic/tally.mjs";

const DIED_AT = 100_000;
const DEATHS = [{ pid: 7, at: DIED_AT }];

/** In flight on a connection that no worker has answered, when a worker died. */
const nameless: Failure = {
  kind: "fresh",
  outcome: "reset",
  detail: "ECONNRESET",
  openedAt: DIED_AT - 50,
  startedAt: DIED_AT - 50,
  endedAt: DIED_AT + 20,
  bytesReceived: 0,
  repliesBefore: 0,
};

describe("is excused", () => {
  test.each<[string, Partial<Failure>]>([
    ["a reset of a connection without a name, at that moment", {}],
    ["the same with a FIN", { outcome: "closedBeforeReply" }],
    ["the same seen before the death was", { endedAt: DIED_AT - 40 }],
    ["a request on a connection of the dead worker, whenever", { lastPid: 7, endedAt: DIED_AT + 5000 }],
  ])("%s", (_, change) => expect(excusedCount(tallyOf({ ...nameless, ...change }), DEATHS)).toBe(1));
});

describe("is not excused", () => {
  test.each<[string, Partial<Failure>]>([
    ["a connection that was made after the death", { openedAt: DIED_AT + 1 }],
    ["one that ended later", { endedAt: DIED_AT + 1500 }],
    ["one that ended long before", { openedAt: DIED_AT - 5000, endedAt: DIED_AT - 1500 }],
    ["a refusal", { outcome: "refused", openedAt: 0 }],
    ["a request without an answer", { outcome: "timedOut" }],
    ["a wrong status", { outcome: "badStatus" }],
    ["a request on a connection of another worker", { lastPid: 8 }],
  ])("%s", (_, change) => expect(excusedCount(tallyOf({ ...nameless, ...change }), DEATHS)).toBe(0));

  test("anything, where nobody died", () => expect(excusedCount(tallyOf(nameless), [])).toBe(0));
});

function tallyOf(failure: Failure): Tally {
  return { ...new TallyKeeper().snapshot(), failures: [failure] };
}
