/** The code of docs/gateway.md works, and the suite tells a server that keeps the rules from one that does not. */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Application } from "../../src/gateway/index.ts";
import { RuleBreach, validator } from "../../src/gateway/validator/index.ts";
import { runSuite } from "../conformance/external/run-suite.ts";
import { ask } from "../support/ask.ts";
import { pageBlocks } from "../support/page-blocks.ts";
import { makeProject, type TempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";
import { run } from "../unit/gateway/fake-exchange.ts";

const PAGE = readFileSync(new URL("../../docs/gateway.md", import.meta.url), "utf8");
const COMMAND =
  "exec node bin/tsgate.js --workers 1 --log-format json --forwarded-allow-ips none --bind $GATEWAY_HOST:$GATEWAY_PORT $GATEWAY_APPLICATION";

let project: TempProject;

beforeAll(async () => {
  const files = pageBlocks(PAGE).flatMap((block) => (block.kind === "file" ? [[block.name, block.text] as const] : []));
  project = await makeProject(Object.fromEntries(files));
  await project.linkPackages("tsgate");
});
afterAll(() => project.remove());

const load = (name: string) => import(pathToFileURL(project.path(name)).href) as Promise<Record<string, unknown>>;

describe("the command passes the whole suite", () => {
  // Two clients are to meet in one process, which nobody can promise of two.
  const ofOne = ["calls-at-once"];
  test.each([
    ["over the engine, with one worker", { transport: "engine", workers: 1, except: [], reloads: false }],
    ["over the engine, with two, and a reload", { transport: "engine", workers: 2, except: ofOne, reloads: true }],
    ["over node:http, with two, and a reload", { transport: "node", workers: 2, except: ofOne, reloads: true }],
  ])("%s", async (_, { transport, workers, except, reloads }) => {
    const command = COMMAND.replace("--workers 1", `--workers ${workers} --transport ${transport}`);
    const outcomes = await runSuite({ command, processes: workers, except, reloads });
    expect(outcomes.filter(({ problem }) => problem !== undefined)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(200);
  });
});

describe("the server of the page", () => {
  test("fails the cases that name the rules which the page says, and no others", async () => {
    const outcomes = await runSuite({ command: `exec node ${project.path("server.mjs")}` });
    const failed = outcomes.filter(({ problem }) => problem !== undefined);
    const [, list = ""] = /^Of the suite it fails cases that name these rules, ([\s\S]*?)\.\n/m.exec(PAGE) ?? [];
    const said = [...list.matchAll(/\b([A-Z]-\d+)\b/g)].map(([, rule = ""]) => rule);
    expect([...new Set(failed.flatMap(({ rules }) => rules))].toSorted()).toEqual(said.toSorted());
    expect(failed.length).toBeLessThan(outcomes.length / 4);
  });
});

test("the middleware of the page keeps the rules of both of its sides", async () => {
  const { loud } = (await load("loud.mjs")) as { loud: (application: Application) => Application };
  const { application } = (await load("application.mjs")) as { application: Application };
  const findings: RuleBreach[] = [];
  const watch = (watched: Application) => validator(watched, { onFinding: (breach) => findings.push(breach) });
  for (const method of ["GET", "HEAD"]) {
    const exchange = run(watch(loud(watch(application))), { method, target: "/page" });
    expect(await exchange.done).toBe("end");
    expect([exchange.body, exchange.errors]).toEqual([method === "GET" ? "HELLO, /PAGE\n" : "", []]);
  }
  expect(findings).toEqual([]);
});

test("the application of the page, behind the validator as the page does it, is served by the command", async () => {
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "checked.mjs"], { cwd: project.dir });
  expect(await ask(await server.target(), "/a%20b")).toBe("Hello, /a b\n");
  expect((await server.stop()).code).toBe(0);
  expect(server.log.otherLines).toEqual([]);
});
