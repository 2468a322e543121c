/** The package as it is published: packed, installed in an empty project, and used there. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { openRegistry } from "../support/package-registry.ts";
import { startTsgate } from "../support/tsgate.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
let dir = "";

const FILES = {
  "package.json": '{ "private": true, "type": "module" }\n',
  "app.js": `
import { defineApplication } from "tsgate";
import { validator } from "tsgate/validator";
export default defineApplication(validator((environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return ["served by ", String(process.pid)];
}));
`,
  "serve.js": `
import { defineConfig, run } from "tsgate";
const config = defineConfig({ app: "app.js", workers: 1, bind: "127.0.0.1:0", logFormat: "json" });
console.log("ended with", await run(config));
`,
  "fail.js": `
import { run } from "tsgate";
await run({ app: "missing.js", bind: "127.0.0.1:0" }).catch(({ name, exitCode }) => console.log(name, exitCode));
`,
  "engine.js": `
import { serve } from "tsgate/http";
const server = await serve((environ, startResponse) => {
  startResponse(200, []);
  return ["from ", environ.PATH_INFO];
});
console.log(await (await fetch(server.address + "/engine")).text());
await server.close();
`,
  "consumer.ts": `
import { defineApplication, defineConfig, run, toNodeListener } from "tsgate";
import type { Application, ConfigInput, Environ, RunOptions, StartResponse, WorkerInfo } from "tsgate";
import { basicAuthentication, compose, compression, errorPages, mapChunks, onReply, securityHeaders, staticFiles } from "tsgate/middleware";
import type { CompressionOptions, ErrorPagesOptions, Failure, Middleware, OnReplyOptions, Reply, SecurityHeadersOptions, StaticFilesOptions } from "tsgate/middleware";
import { type BadRequest, DEFAULT_LIMITS, Engine, type EngineOptions, type HttpServer, type Limits, serve, type ServeOptions, type UpgradeRequest } from "tsgate/http";
import { RuleBreach, validator, type ValidatorOptions } from "tsgate/validator";

export const typed: Application = defineApplication(async (environ: Environ, startResponse: StartResponse) => {
  const method: string = environ.REQUEST_METHOD;
  let bytes = 0;
  for await (const chunk of environ["gateway.input"]) bytes += chunk.byteLength;
  environ["gateway.signal"].throwIfAborted();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [method, new Uint8Array(bytes)];
});
export const config: ConfigInput = defineConfig({
  workers: 2,
  bind: [":8000", "unix:app.sock"],
  gracefulTimeout: "45s",
  postWorkerInit: ({ slot, generation }: WorkerInfo) => slot + generation,
});
export const watching: ValidatorOptions = { onFinding: ({ rule, role }: RuleBreach) => void [rule, role] };
export const watched: Application = validator(typed, watching);
export const options: RunOptions = { app: "app.js", config: "other.config.js" };
export const listener = toNodeListener(typed, { multiprocess: true });
export const ending: Promise<number> = run(options);
const quoted: Middleware = (application) => (environ, startResponse) =>
  onReply(application, environ, startResponse, (reply: Reply) => ({ ...reply, body: mapChunks(reply.body, (chunk) => chunk, () => "!") }));
export const stacked: Application = compose(errorPages(), compression({ threshold: 10 }), securityHeaders(), staticFiles({ directory: new URL("public/", "file:///srv/") }), quoted, basicAuthentication({ users: { a: "b" } }))(typed);
const limits: Partial<Limits> = { ...DEFAULT_LIMITS, requestBody: 1000 };
const engineOptions: EngineOptions = {
  limits,
  onBadRequest: ({ status, reason, leftOut }: BadRequest) => void [status, reason, leftOut],
  onUpgrade: ({ target }: UpgradeRequest, socket, begun) => void socket.end(target + begun.length),
};
export const engine: Engine = new Engine(typed, engineOptions);
const serving: ServeOptions = { ...engineOptions, port: 0 };
export const server: Promise<HttpServer> = serve(typed, serving);
// @ts-expect-error -- there is no such setting
defineConfig({ wrokers: 2 });
// @ts-expect-error -- a status is a number or a text that begins with one
defineApplication((environ, startResponse) => (startResponse(true, []), []));
`,
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      verbatimModuleSyntax: true,
      skipLibCheck: false,
      module: "NodeNext",
      target: "ES2022",
      noEmit: true,
      typeRoots: [path.join(ROOT, "node_modules/@types")],
      types: ["node"],
    },
    files: ["consumer.ts"],
  }),
};

beforeAll(async () => {
  dir = await realpath(await mkdtemp(path.join(tmpdir(), "tsgate-package-")));
  for (const [name, content] of Object.entries(FILES)) await writeFile(path.join(dir, name), content);
  // What is to be packed was built before the tests began; building it again would pull it from under other tests.
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", dir], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const registry = await openRegistry();
  try {
    await run("npm", ["install", "--no-audit", "--no-fund", ...registry.npmOptions, `./${filename}`], { cwd: dir });
  } finally {
    await registry.close();
  }
}, 120_000);

afterAll(async () => rm(dir, { recursive: true, force: true }));

describe("the package, installed in an empty project,", () => {
  test("serves with npx tsgate", async () => {
    const args = ["--workers", "2", "--bind", "127.0.0.1:0", "app.js"];
    const server = startTsgate(args, { cwd: dir, command: ["npx", "--no", "--", "tsgate"] });
    await server.waitForReady(2);
    expect(server.workerPids().map((pid) => `served by ${pid}`)).toContain(await ask(await server.target()));
    const { pid } = await server.waitForRecord("server starting");
    process.kill(pid ?? 0, "SIGTERM");
    await server.waitForRecord({ msg: "server stopped", exitCode: 0 });
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("takes --env-file for its own and not for Node's", async () => {
    await writeFile(path.join(dir, "vars"), "FROM_FILE=1\n");
    const command = path.join(dir, "node_modules/.bin/tsgate");
    const result = await run(command, ["--check-config", "--env-file", "vars", "app.js"], { cwd: dir });
    expect(result).toEqual({ stdout: expect.stringContaining("app.js is of kind gateway") as string, stderr: "" });
  });

  test("runs a server in a program, which is told how it ended", async () => {
    const server = startTsgate([], { cwd: dir, command: [process.execPath, "serve.js"] });
    await server.waitForReady(1);
    expect(await ask(await server.target())).toBe(`served by ${server.workerPids()[0]}`);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(server.stdout).toBe("ended with 0\n");
  });

  test("serves with the engine alone, of which the licences are there", async () => {
    expect(await run(process.execPath, ["engine.js"], { cwd: dir })).toEqual({ stdout: "from /engine\n", stderr: "" });
    const licences = await readFile(path.join(dir, "node_modules/tsgate/dist/http/llhttp.LICENSE"), "utf8");
    expect(licences).toMatch(
      /^llhttp\n\n.*Copyright Fedor Indutny[^]*undici\n\nMIT License\n\nCopyright \(c\) Matteo Collina/s,
    );
  });

  test("throws in a program what the command would say and end with", async () => {
    expect(await run(process.execPath, ["fail.js"], { cwd: dir })).toEqual({ stdout: "TsgateError 4\n", stderr: "" });
  });

  test("has declarations that a strict TypeScript project compiles against", async () => {
    const compiler = path.join(ROOT, "node_modules/typescript/bin/tsc");
    const result = await run(process.execPath, [compiler, "-p", dir]).catch((error: unknown) => error);
    expect(result).toEqual({ stdout: "", stderr: "" });
  });
});
