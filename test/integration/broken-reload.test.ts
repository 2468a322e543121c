/**
 * SIGHUP into something broken, on the shipped binary and under traffic: nothing is lost, the old generation goes on,
 * the cause is told with the user's own place, and the next good reload works. One server stands all of it.
 */

import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { makeProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import type { Traffic } from "../support/traffic.ts";
import { Tsgate } from "../support/tsgate.ts";
import type { LogRecord } from "../support/tsgate.ts";

const LINGER_MS = 200;
const CONFIG = { workers: 2, bind: "127.0.0.1:0", linger: LINGER_MS / 1000, bootTimeout: 4 };

let project: TempProject;
let server: Tsgate;
let oldPids: number[];

beforeAll(async () => {
  project = await makeProject({
    "app.mjs": application("node", "one"),
    "tsgate.config.json": JSON.stringify(CONFIG),
  });
  server = new Tsgate(["app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  oldPids = server.workerPids();
});

afterAll(async () => {
  await server.cleanup();
  await project.remove();
});

/** What is written as the application, the sentence that must be said of it, and the place that must be shown. */
interface Breakage {
  readonly that: string;
  readonly files: Readonly<Record<string, string>>;
  readonly error: RegExp;
  readonly stack?: RegExp;
}

const GOOD = application("node", "broken");

const BREAKAGES: readonly Breakage[] = [
  {
    that: "throws at import",
    files: { "app.mjs": `${GOOD}throw new Error("broken at import");\n` },
    error: /app\.mjs failed to load: broken at import/,
    stack: /Error: broken at import\n\s+at .*app\.mjs:3:7/,
  },
  {
    that: "rejects at its top level after a while",
    files: { "app.mjs": `${GOOD}await new Promise((_, no) => setTimeout(no, 100, new Error("late")));\n` },
    error: /app\.mjs failed to load: late/,
    stack: /app\.mjs:3/,
  },
  {
    that: "has a syntax error in an ES module",
    files: { "app.mjs": `${GOOD}const = 1;\n` },
    error: /app\.mjs failed to load: Unexpected token '='/,
    stack: /app\.mjs:3\n/,
  },
  {
    that: "has a syntax error in a CommonJS module",
    files: { "app.mjs": `import "./part.cjs";\n${GOOD}`, "part.cjs": "'use strict';\nconst = 1;\n" },
    error: /app\.mjs failed to load: Unexpected token '='/,
    stack: /part\.cjs:2\n.*const = 1/,
  },
  {
    that: "imports what is not there",
    files: { "app.mjs": `import "./absent.mjs";\n${GOOD}` },
    error: /app\.mjs failed to load: Cannot find module .*absent\.mjs/,
  },
  {
    that: "exits at once",
    files: { "app.mjs": `${GOOD}process.exit(0);\n` },
    error: /app\.mjs ended its process with exit code 0 while it was loading/,
  },
  {
    that: "kills itself when it has loaded",
    files: { "app.mjs": `${GOOD}export const startup = () => void process.kill(process.pid, "SIGKILL");\n` },
    error: /app\.mjs was killed by SIGKILL before its worker was ready/,
  },
  {
    that: "never becomes ready",
    files: { "app.mjs": `${GOOD}await new Promise((yes) => setTimeout(yes, 60_000));\n` },
    error: /app\.mjs did not finish loading within 4 s \(--boot-timeout\)/,
  },
  {
    that: "has a startup() that rejects",
    files: { "app.mjs": `${GOOD}export async function startup() {\n  throw new Error("no database");\n}\n` },
    error: /app\.mjs failed in startup\(\): no database/,
    stack: /Error: no database\n\s+at (?:Object\.|Module\.)?startup \(.*app\.mjs:4:9\)/,
  },
  {
    that: "exits soon after its startup",
    files: { "app.mjs": `${GOOD}setTimeout(() => process.exit(3), 300);\n` },
    error: /app\.mjs ended its process with exit code 3 before its worker was ready/,
  },
  {
    that: "is ready and throws from a timer within a second",
    files: {
      "app.mjs": `${GOOD}export function startup() {\n  setTimeout(() => {\n    throw new Error("too late");\n  }, 1400);\n}\n`,
    },
    error: /the application threw too late/,
    stack: /Error: too late\n\s+at .*app\.mjs:5:11/,
  },
  {
    that: "is ready and throws behind its first request",
    files: {
      "app.mjs":
        "export default (request, response) => {\n  response.end('once');\n" +
        "  setTimeout(() => {\n    throw new Error('behind a request');\n  });\n};\n",
    },
    error: /the application threw behind a request/,
    stack: /Error: behind a request\n\s+at .*app\.mjs:4:11/,
  },
];

describe("a reload into an application loses nothing and changes nothing when it", () => {
  for (const { that, files, error, stack } of BREAKAGES) {
    test(that, async () => {
      const traffic = await startLightTraffic(await server.target(), LINGER_MS);
      for (const [name, content] of Object.entries(files)) await project.write(name, content);
      const failed = await reloadInVain();
      expect(failed.error).toMatch(error);
      if (stack !== undefined) expect(failed.stack).toMatch(stack);
      expect(JSON.stringify(failed)).not.toContain("dist/worker");
      await expectUnchanged(traffic, Number(failed.generation));
    });
  }
});

test("a reload without the application's module says so and changes nothing", async () => {
  const traffic = await startLightTraffic(await server.target(), LINGER_MS);
  await rm(project.path("app.mjs"));
  const failed = await reloadInVain();
  expect(failed.error).toMatch(/app\.mjs was not found/);
  await expectUnchanged(traffic, Number(failed.generation));
});

describe("a reload with an invalid configuration names what is wrong and changes nothing:", () => {
  test.each([
    ["an unknown key", JSON.stringify({ ...CONFIG, wokers: 3 }), /wokers.*workers/],
    ["a wrong value", JSON.stringify({ ...CONFIG, workers: "many" }), /workers.*many/],
    ["a file that does not parse", '{\n  "workers": 2,,\n}', /tsgate\.config\.json:2:16/],
    [
      "an environment file that is not there",
      JSON.stringify({ ...CONFIG, envFile: "absent" }),
      /absent does not exist/,
    ],
  ])("%s", async (_, text, error) => {
    await project.write("app.mjs", application("node", "two"));
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const spawned = server.log.all("worker spawned").length;
    await project.write("tsgate.config.json", text);
    const failed = await reloadInVain();
    await project.write("tsgate.config.json", JSON.stringify(CONFIG));
    expect(failed.error).toMatch(error);
    expect(server.log.all("worker spawned")).toHaveLength(spawned);
    await expectUnchanged(traffic, Number(failed.generation));
  });
});

test("after all this a good reload works", async () => {
  const traffic = await startLightTraffic(await server.target(), LINGER_MS);
  await project.write("app.mjs", application("node", "repaired"));
  const from = server.log.length;
  server.signal("SIGHUP");
  await server.waitForRecord("reload done", { from });
  assertNothingLost(await traffic.stop());
  expect(await versionServed()).toBe("repaired");
  expect(server.workerPids().filter((pid) => oldPids.includes(pid))).toEqual([]);
  expect(await server.processes()).toHaveLength(3);
});

async function reloadInVain(): Promise<LogRecord> {
  const from = server.log.length;
  server.signal("SIGHUP");
  const failed = await server.waitForRecord("reload failed", { from });
  expect(server.log.all("reload done", from)).toEqual([]);
  return failed;
}

/** The workers of the beginning serve, and nobody else is left once those of `generation` have gone. */
async function expectUnchanged(traffic: Traffic, generation: number): Promise<void> {
  for (const { pid } of server.log.all({ msg: "worker spawned", generation })) {
    await server.waitForRecord({ msg: "worker gone", pid });
  }
  assertNothingLost(await traffic.stop());
  expect(await versionServed()).toBe("one");
  expect((await server.processes()).toSorted()).toEqual([server.pid, ...oldPids].toSorted());
}

async function versionServed(): Promise<string | undefined> {
  return (await requestOnce(await server.target())).reply?.headers.get("x-version");
}
