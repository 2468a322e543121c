/** What an operator steers with `tsgate ctl` costs no request, under traffic that never tries again. */

import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { startControlled } from "../support/ctl.ts";
import type { Controlled } from "../support/ctl.ts";
import { versionServedBy } from "../support/reloading.ts";
import { assertNothingLost, startLightTraffic } from "../support/traffic.ts";

const LINGER_MS = 100;

test("scale loses no request, and the number survives a reload", async () => {
  const { server, project, ctl } = await startControlled();
  const traffic = await startLightTraffic(await server.target(), LINGER_MS);
  expect((await ctl("scale", "4")).code).toBe(0);
  await server.waitForReady(4);
  await project.write("app.mjs", application("node", "two"));
  expect((await ctl("reload", "--wait")).code).toBe(0);
  expect(server.workerPids()).toHaveLength(4);
  const from = server.log.length;
  expect((await ctl("scale", "1")).code).toBe(0);
  await server.waitForRecord("worker gone", { from, nth: 3 });
  expect((await ctl("reload", "--wait")).code).toBe(0);
  assertNothingLost(await traffic.stop());
  expect(server.workerPids()).toHaveLength(1);
  expect(await versionServedBy(server)).toBe("two");
});

const GOOD = application("node", "broken");

describe("reload --wait loses no request, changes nothing and ends with 1 when the new code", () => {
  test.each([
    ["throws", `${GOOD}throw new Error("at import");\n`, /failed to load: at import\n[\s\S]*app\.mjs:3:7/],
    ["has a syntax error", `${GOOD}const = 1;\n`, /failed to load: Unexpected token '='\n[\s\S]*app\.mjs:3/],
    ["exits at once", `${GOOD}process.exit(0);\n`, /ended its process with exit code 0/],
    ["never becomes ready", `${GOOD}await new Promise((yes) => setTimeout(yes, 60_000));\n`, /within 4 s/],
    [
      "is ready and crashes within a second",
      `${GOOD}export const startup = () => void setTimeout(() => { throw new Error("late"); }, 1400);\n`,
      /the application threw late\n[\s\S]*app\.mjs:3/,
    ],
  ])("%s", async (_, source, cause) => {
    const { server, project, ctl } = await startControlled([
      "--boot-timeout",
      source.includes("60_000") ? "4s" : "60s",
    ]);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    await project.write("app.mjs", source);
    const { code, stderr } = await ctl("reload", "--wait");
    expect(stderr).toMatch(cause);
    expect(code).toBe(1);
    await expectGoodReload({ server, project, ctl });
    assertNothingLost(await traffic.stop());
  });
});

async function expectGoodReload({
  server,
  project,
  ctl,
}: Pick<Controlled, "server" | "project" | "ctl">): Promise<void> {
  expect(await versionServedBy(server)).toBe("one");
  await project.write("app.mjs", application("node", "mended"));
  expect((await ctl("reload", "--wait")).code).toBe(0);
  expect(await versionServedBy(server)).toBe("mended");
}
