/** The engine's llhttp beside the one in this Node: the versions differ, their verdicts must not. */

import { expect, test } from "vitest";
import { Engine } from "../../../src/http/index.ts";
import { run } from "../../fuzz/campaign.ts";
import { engineReader, nodeReader } from "../../fuzz/servers.ts";

test("of a few thousand hostile streams none is read otherwise than this Node's own parser reads it", async () => {
  const outcome = await run({ seed: 9112, cases: 3000, engine: engineReader(Engine), node: nodeReader() });
  expect(outcome.findings.slice(0, 3)).toEqual([]);
  expect(outcome.cases).toBe(3000);
});
