/** The same bytes to the engine and to this Node's own parser: no smuggling, and no defect that would not be found. */

import { describe, expect, test } from "vitest";
import { Engine } from "../../src/http/index.ts";
import { run } from "./campaign.ts";
import { DEFECTS, withDefect } from "./planted.ts";
import { engineReader, nodeReader } from "./servers.ts";

const SEED = 20_251_129;

test("the engine reads nothing that node:http refuses, and nothing otherwise than it does", async () => {
  const engine = engineReader(Engine);
  const outcome = await run({ seed: SEED, cases: 25_000, engine, others: [nodeReader()], untilMs: 40_000 });
  expect(outcome.findings.slice(0, 3)).toEqual([]);
  // Neither all refused nor all taken: then nothing would have been compared.
  expect(outcome.taken).toBeGreaterThan(outcome.cases / 10);
  expect(outcome.refused).toBeGreaterThan(outcome.cases / 10);
});

describe("a planted defect is found", () => {
  test.each(DEFECTS.map((defect) => [defect.name, defect] as const))("%s", async (_, defect) => {
    const module = await withDefect(defect);
    const engine = engineReader(module.Engine);
    const outcome = await run({ seed: SEED, cases: 20_000, engine, others: [nodeReader()], stopsAtFinding: true });
    expect(outcome.findings.length).toBeGreaterThan(0);
  });
});
