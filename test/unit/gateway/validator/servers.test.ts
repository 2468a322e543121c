/** What the validator says of servers. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { Application } from "../../../../src/gateway/types.ts";
import { RuleBreach, validator } from "../../../../src/gateway/validator/index.ts";
import { brokenServers, goodEnviron, start } from "./broken-servers.ts";

const twoChunks: Application = function* (_, startResponse) {
  startResponse(200, [["Content-Type", "text/plain"]]);
  yield "a";
  yield "b";
};

describe("a server", () => {
  test.each(brokenServers)("that $does breaks $rule", async ({ rule, serve, application }) => {
    const findings: RuleBreach[] = [];
    const watched = validator(application ?? twoChunks, { onFinding: (breach) => findings.push(breach) });
    await Promise.resolve()
      .then(() => serve(watched))
      .catch((error: unknown) => {
        // What it is told, it is told by a throw.
        if (!(error instanceof RuleBreach)) throw error;
      });
    const [breach] = findings.filter(({ isError }) => isError);
    expect([breach?.rule, breach?.role]).toEqual([rule, "server"]);
    expect(breach?.message).toMatch(new RegExp(`^${rule}: .*`));
  });

  test.each([
    ["a generator", twoChunks],
    ["a list", ((_, startResponse) => (startResponse(204, []), [])) as Application],
  ])("that drops %s unclosed breaks C-1", async (_, application) => {
    const found = new Promise<RuleBreach>((resolve) => {
      const watched = validator(application, { onFinding: resolve });
      // In a function of its own, so that no register holds the body.
      (() => void watched(goodEnviron(), start))();
    });
    const collect = collector();
    // Garbage is told of in a later round of the loop, and a collection may leave what is young.
    const collecting = setInterval(collect);
    expect(await found).toMatchObject({ rule: "C-1", role: "server" });
    clearInterval(collecting);
  });
});

/** V8's own collection, which is there only with a flag. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
