/** The same bytes to the engine and to this Node's own parser: no smuggling, and no defect that would not be found. */

import { describe, expect, test } from "vitest";
import { Engine } from "../../src/http/index.ts";
import { run } from "./campaign.ts";
import { DEFECTS, KNOWN_TO_LIMITS, withDefect } from "./planted.ts";
import { engineReader, nodeReader } from "./servers.ts";

const SEED = 20_251_129;
/** So small that many of the streams reach one of them. */
const LIMITS = { requestLine: 24, requestFields: 4, requestFieldSize: 40, requestBody: 10, pipelined: 2 };

test("the engine reads nothing that node:http refuses, and nothing otherwise than it does", async () => {
  const engine = engineReader(Engine);
  const outcome = await run({ seed: SEED, cases: 25_000, engine, node: nodeReader(), untilMs: 40_000 });
  expect(outcome.findings.slice(0, 3)).toEqual([]);
  // Neither all refused nor all taken: then nothing would have been compared.
  expect(outcome.taken).toBeGreaterThan(outcome.cases / 10);
  expect(outcome.refused).toBeGreaterThan(outcome.cases / 10);
});

test("the same holds where limits cut off what is read", async () => {
  const engine = engineReader(Engine, { limits: LIMITS });
  const { findings, refusals } = await run({ seed: SEED, cases: 5000, engine, node: nodeReader(), untilMs: 20_000 });
  expect(findings.slice(0, 3)).toEqual([]);
  expect(Object.keys(refusals)).toEqual(expect.arrayContaining(["400", "413", "414", "431"]));
});

describe("a planted defect is found", () => {
  test.each(DEFECTS.map((defect) => [defect.name, defect] as const))("%s", async (_, defect) => {
    const module = await withDefect(defect);
    const engine = engineReader(module.Engine);
    const outcome = await run({ seed: SEED, cases: 20_000, engine, node: nodeReader(), stopsAtFinding: true });
    expect(outcome.findings.length).toBeGreaterThan(0);
  });

  test(`with limits: ${KNOWN_TO_LIMITS.name}`, async () => {
    const engine = engineReader((await withDefect(KNOWN_TO_LIMITS)).Engine, { limits: LIMITS });
    const outcome = await run({ seed: SEED, cases: 20_000, engine, node: nodeReader(), stopsAtFinding: true });
    expect(outcome.findings.length).toBeGreaterThan(0);
  });
});
