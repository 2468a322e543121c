/** Every way to load something into a worker, all in one start: in which order, in every worker, on every address. */

import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { tempProject } from "../support/temp-project.ts";
import type { Target } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

/** Tells what has been loaded before it, with the release that the environment names. */
const noted = (what: string): string => `(globalThis.loaded ??= []).push("${what} " + process.env.RELEASE);\n`;

const FILES = {
  "required.cjs": noted("required"),
  "first.mjs": noted("first import"),
  "node_modules/second/package.json": '{ "name": "second", "exports": "./index.mjs" }',
  "node_modules/second/index.mjs": noted("second import"),
  "app.mjs": `
import http from "node:http";
${noted("application")}
export function startup() {
  ${noted("startup")}
}
const { RELEASE, FLAG, BOTH, OUTER } = process.env;
const seen = {
  loaded: globalThis.loaded,
  args: process.argv.slice(2),
  env: { RELEASE, FLAG, BOTH, OUTER },
  stackTraceLimit: Error.stackTraceLimit,
  maxHeaderSize: http.maxHeaderSize,
};
export default (request, response) => response.end(JSON.stringify({ pid: process.pid, seen }));
`,
  "tsgate.config.mjs": `export default { postWorkerInit() { ${noted("hook")} } };\n`,
};

const ARGS = [
  "--workers 2 --linger 100ms --bind 127.0.0.1:0 --bind 127.0.0.1:0 --bind unix:app.sock",
  "--import ./first.mjs --import second --node-arg --require=./required.cjs --node-arg=--stack-trace-limit=7",
  "--env-file .env --env BOTH=flag",
].flatMap((line) => line.split(" "));

/** `NODE_OPTIONS` may come from the file too: the workers are forked with it. */
const variables = (release: number): string =>
  `RELEASE=${release}\nBOTH=file\nOUTER=file\nNODE_OPTIONS=--max-http-header-size=12345\n`;

const seenOf = (release: number): object => ({
  loaded: ["required", "first import", "second import", "application", "hook", "startup"].map(
    (what) => `${what} ${release}`,
  ),
  args: ["--verbose", "x y", "--workers=9"],
  env: { RELEASE: String(release), FLAG: "a=b c", BOTH: "flag", OUTER: "outer" },
  stackTraceLimit: 7,
  maxHeaderSize: 12_345,
});

test("all that is given at once is there in every worker, on every address, and is read afresh at a reload", async () => {
  const project = await tempProject({ ...FILES, ".env": variables(1) });
  const args = [...ARGS, "--env", "FLAG=a=b c", "app.mjs", "--", "--verbose", "x y", "--workers=9"];
  const server = startTsgate(args, { cwd: project.dir, env: { OUTER: "outer" } });
  await server.waitForReady(2);
  const targets = [await server.target(0), await server.target(1), { path: project.path("app.sock") }];
  const old = server.workerPids();
  await expectEverywhere(server, targets, seenOf(1));

  await project.write(".env", variables(2));
  await expectEverywhere(server, targets, seenOf(1));
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  expect(server.workerPids().filter((pid) => old.includes(pid))).toEqual([]);
  await expectEverywhere(server, targets, seenOf(2));
  expect((await server.stop()).code).toBe(0);
  expect(server.records.filter(({ level }) => level > 30)).toEqual([]);
});

test("a first module that throws ends the start with exit 4 and its own stack, and at a reload changes nothing", async () => {
  const project = await tempProject({
    "app.mjs": "export default (request, response) => response.end('served');\n",
    "first.mjs": "\nthrow new Error('no tracing');\n",
  });
  const args = ["--workers", "2", "--linger", "100ms", "--bind", "127.0.0.1:0", "--import", "./first.mjs", "app.mjs"];
  const failed = startTsgate(args, { cwd: project.dir });
  expect(await failed.exited).toEqual({ code: 4, signal: null });
  expect(failed.stderr).toContain(`${project.path("first.mjs")}:2`);
  expect(failed.log.otherLines.filter((line) => line.startsWith("tsgate: "))).toEqual([
    expect.stringContaining("before it could load anything (it was started with --node-arg and --import)"),
  ]);

  await project.write("first.mjs", "");
  const server = startTsgate(args, { cwd: project.dir });
  await server.waitForReady(2);
  const old = server.workerPids();
  await project.write("first.mjs", "\nthrow new Error('no tracing');\n");
  server.signal("SIGHUP");
  await server.waitForRecord("reload failed");
  expect(server.stderr).toContain(`${project.path("first.mjs")}:2`);
  expect(await ask(await server.target())).toBe("served");
  expect(server.workerPids()).toEqual(old);
  expect((await server.stop()).code).toBe(0);
});

test("a signal listener of a first module runs at shutdown, and cannot cut a drain short", async () => {
  const project = await tempProject({
    "first.mjs": "process.on('SIGTERM', () => { console.log('traces are sent'); process.exit(0); });\n",
    "app.mjs": `
export default (request, response) => {
  if (request.url !== "/slow") return response.end(String(process.pid));
  console.log("slow one has begun");
  setTimeout(() => response.end("answered"), 500);
};
`,
  });
  const args = ["--workers", "1", "--linger", "100ms", "--bind", "127.0.0.1:0", "--import", "./first.mjs", "app.mjs"];
  const server = startTsgate(args, { cwd: project.dir });
  const target = await server.target();
  const pid = Number(await ask(target));
  const slow = ask(target, "/slow");
  await server.waitForOutput(/slow one has begun/);
  process.kill(pid, "SIGTERM");
  expect(await slow).toBe("answered");
  expect(await server.waitForRecord({ msg: "worker gone", pid })).toMatchObject({ cause: "terminated" });
  await server.waitForRecord("worker ready", { nth: 2 });
  await server.waitForOutput(/traces are sent/);
  const [successor = Number.NaN] = server.workerPids();
  process.kill(successor, "SIGHUP");
  expect(await ask(target)).not.toBe(String(pid));
  expect((await server.stop()).code).toBe(0);
});

/** Asks on each address until each worker has answered there. */
async function expectEverywhere(server: Tsgate, targets: readonly Target[], expected: object): Promise<void> {
  for (const target of targets) {
    const missing = new Set(server.workerPids());
    while (missing.size > 0) {
      // Several at once: alone, one of the workers might take them all.
      const replies = await Promise.all(Array.from({ length: 4 }, () => ask(target)));
      for (const reply of replies) {
        const { pid, seen } = JSON.parse(reply) as { readonly pid: number; readonly seen: unknown };
        expect(seen).toEqual(expected);
        missing.delete(pid);
      }
    }
  }
}
