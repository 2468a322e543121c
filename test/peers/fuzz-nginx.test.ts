/** The same bytes to the engine, to this Node's own parser and to a real nginx: three readers of one message. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "../../src/http/index.ts";
import { run } from "../fuzz/campaign.ts";
import { Nginx } from "../fuzz/nginx.ts";
import { DEFECTS, KNOWN_TO_NGINX, withDefect } from "../fuzz/planted.ts";
import { engineReader, nodeReader } from "../fuzz/servers.ts";
import { describeWithPeers } from "../support/peers.ts";

const SEED = 20_251_129;

describeWithPeers("nginx as a reader", [{ command: "nginx", debianPackage: "nginx-light" }], () => {
  let nginx: Nginx;

  beforeAll(async () => {
    nginx = await Nginx.start();
  });
  afterAll(() => nginx.stop());

  test("the engine reads nothing otherwise than nginx does", async () => {
    const { findings, ...outcome } = await run({
      seed: SEED,
      cases: 15_000,
      engine: engineReader(Engine),
      node: nodeReader(),
      nginx: nginx.read,
      untilMs: 30_000,
    });
    expect(findings.slice(0, 3)).toEqual([]);
    // Neither all refused nor all taken: then nothing would have been compared.
    expect(outcome.taken).toBeGreaterThan(outcome.cases / 10);
    expect(outcome.refused).toBeGreaterThan(outcome.cases / 10);
  });

  describe("a planted defect is found", () => {
    test.each(DEFECTS.map((defect) => [defect.name, defect] as const))("%s", async (_, defect) => {
      const engine = engineReader((await withDefect(defect)).Engine);
      const readers = { engine, node: nodeReader(), nginx: nginx.read };
      const { findings } = await run({ seed: SEED, cases: 20_000, ...readers, stopsAtFinding: true });
      expect(findings.length).toBeGreaterThan(0);
    });

    test("by nginx and not by Node, which has it, too", async () => {
      const engine = engineReader((await withDefect(KNOWN_TO_NGINX)).Engine);
      const campaign = { seed: SEED, cases: 2000, engine };
      expect((await run({ ...campaign, node: nodeReader() })).findings).toEqual([]);
      const { findings } = await run({ ...campaign, nginx: nginx.read, stopsAtFinding: true });
      expect(findings.length).toBeGreaterThan(0);
    });
  });
});
