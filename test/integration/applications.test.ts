/** What an application may be: every shape of module that is recognised, served by the shipped binary. */

import { expect, test } from "vitest";
import { stripsTypes } from "../../src/config/node-options.ts";
import { ask } from "../support/ask.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";

/** What each of them answers. */
const REPLY = "served /path";
const NODE = "(request, response) => response.end('served ' + request.url)";
const GATEWAY = "(environ, startResponse) => (startResponse(200, []), ['served ', environ.PATH_INFO])";
const FETCH = "(request) => new Response('served ' + new URL(request.url).pathname)";
const EXPRESS = "express().get('/path', (request, response) => response.send('served ' + request.path))";

interface Shape {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly found: string;
  /** Default: `node`. */
  readonly kind?: "gateway" | "fetch" | "node";
  /** Packages that it imports. */
  readonly packages?: readonly string[];
}

const LISTENER = "default export, a (req, res) function";
const GATEWAY_FOUND = "default export, a gateway application";
const FETCH_FOUND = "default export, a fetch handler";
const EXPRESS_FOUND = "default export, an Express or Connect application";

const SHAPES: readonly Shape[] = [
  { name: "an ES module", files: { "app.mjs": `export default ${NODE};` }, args: ["app.mjs"], found: LISTENER },
  { name: "CommonJS", files: { "app.cjs": `module.exports = ${NODE};` }, args: ["app.cjs"], found: LISTENER },
  {
    name: "a file without its extension",
    files: { "app.js": `module.exports = ${NODE};` },
    args: ["./app"],
    found: LISTENER,
  },
  {
    name: "a named export",
    files: { "app.mjs": `export const site = ${NODE};\nexport default 42;` },
    args: ["app.mjs:site"],
    found: 'export "site", a (req, res) function',
  },
  {
    name: "a named export of CommonJS",
    files: { "app.cjs": `exports[["si", "te"].join("")] = ${NODE};` },
    args: ["app.cjs:site"],
    found: 'export "site", a (req, res) function',
  },
  {
    name: "CommonJS out of a compiler",
    files: { "app.js": `Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = ${NODE};` },
    args: ["app.js"],
    found: LISTENER,
  },
  {
    name: "a directory",
    files: { "site/package.json": '{ "main": "lib/entry.js" }', "site/lib/entry.js": `module.exports = ${NODE};` },
    args: ["site"],
    found: LISTENER,
  },
  {
    name: "a package",
    files: {
      "node_modules/@acme/site/package.json": '{ "name": "@acme/site", "exports": { "./web": "./web.mjs" } }',
      "node_modules/@acme/site/web.mjs": `export default ${NODE};`,
    },
    args: ["@acme/site/web"],
    found: LISTENER,
  },
  {
    name: "a module with a top-level await",
    files: {
      "app.mjs": `const app = await new Promise((done) => setTimeout(done, 20, ${NODE}));\nexport default app;`,
    },
    args: ["app.mjs"],
    found: LISTENER,
  },
  {
    name: "a factory",
    files: { "app.mjs": `export default () => ${NODE};` },
    args: ["--factory", "app.mjs"],
    found: LISTENER,
  },
  {
    name: "an async factory of a gateway application",
    files: { "app.mjs": `export const application = async () => ${GATEWAY};` },
    args: ["--factory", "app.mjs"],
    kind: "gateway",
    found: 'export "application", a gateway application',
  },
  {
    name: "a gateway application",
    files: { "app.mjs": `export const application = ${GATEWAY};` },
    args: ["app.mjs"],
    kind: "gateway",
    found: 'export "application", a gateway application',
  },
  {
    name: "a gateway application in CommonJS",
    files: { "app.cjs": `exports.application = ${GATEWAY};` },
    args: ["app.cjs"],
    kind: "gateway",
    found: 'export "application", a gateway application',
  },
  {
    name: "defineApplication",
    files: { "app.mjs": `import { defineApplication } from "tsgate";\nexport default defineApplication(${GATEWAY});` },
    args: ["app.mjs"],
    kind: "gateway",
    found: GATEWAY_FOUND,
    packages: ["tsgate"],
  },
  {
    name: "defineApplication in CommonJS",
    files: {
      "app.cjs": `const { defineApplication } = require("tsgate");\nmodule.exports = defineApplication(${GATEWAY});`,
    },
    args: ["app.cjs"],
    kind: "gateway",
    found: GATEWAY_FOUND,
    packages: ["tsgate"],
  },
  {
    name: "a default export that is said to be of kind gateway",
    files: { "app.mjs": `export default ${GATEWAY};` },
    args: ["--interface", "gateway", "app.mjs"],
    kind: "gateway",
    found: GATEWAY_FOUND,
  },
  {
    name: "an export named application that is said to be of kind node",
    files: { "app.mjs": `export const application = ${NODE};` },
    args: ["--interface", "node", "app.mjs"],
    found: 'export "application", a (req, res) function',
  },
  {
    name: "an object with a fetch method",
    files: { "app.mjs": `export default { fetch: ${FETCH} };` },
    args: ["app.mjs"],
    kind: "fetch",
    found: FETCH_FOUND,
  },
  {
    name: "an instance whose fetch method needs it",
    files: {
      "app.mjs": `class Site { handler = ${FETCH}; fetch(request) { return this.handler(request); } }\nexport default new Site();`,
    },
    args: ["app.mjs"],
    kind: "fetch",
    found: FETCH_FOUND,
  },
  {
    name: "an export named fetch",
    files: { "app.mjs": `export const fetch = async ${FETCH};` },
    args: ["app.mjs"],
    kind: "fetch",
    found: 'export "fetch", a fetch handler',
  },
  {
    name: "a fetch handler in CommonJS",
    files: { "app.cjs": `exports.fetch = ${FETCH};` },
    args: ["app.cjs"],
    kind: "fetch",
    found: FETCH_FOUND,
  },
  {
    name: "a module for Deno and Bun, with the same handler twice",
    files: { "app.mjs": `export const fetch = ${FETCH};\nexport default { port: 3000, fetch };` },
    args: ["app.mjs"],
    kind: "fetch",
    found: FETCH_FOUND,
  },
  {
    name: "a function that is said to be a fetch handler",
    files: { "app.mjs": `export default ${FETCH};` },
    args: ["--interface", "fetch", "app.mjs"],
    kind: "fetch",
    found: FETCH_FOUND,
  },
  {
    name: "a factory of a fetch handler",
    files: { "app.mjs": `export default async () => ({ fetch: ${FETCH} });` },
    args: ["--factory", "app.mjs"],
    kind: "fetch",
    found: FETCH_FOUND,
  },
  {
    name: "Express",
    files: { "app.mjs": `import express from "express";\nexport default ${EXPRESS};` },
    args: ["app.mjs"],
    found: EXPRESS_FOUND,
    packages: ["express"],
  },
  {
    name: "Express in CommonJS",
    files: { "app.cjs": `const express = require("express");\nmodule.exports = ${EXPRESS};` },
    args: ["app.cjs"],
    found: EXPRESS_FOUND,
    packages: ["express"],
  },
  {
    name: "an object in the shape of a Koa application",
    files: { "app.mjs": `export default { use() {}, callback: () => ${NODE} };` },
    args: ["app.mjs"],
    found: "default export, a Koa application",
  },
  {
    name: "an object in the shape of a Fastify instance, once it is ready",
    files: {
      "app.mjs": `const app = { ready: async () => void (app.routing = ${NODE}), routing() {} };\nexport default app;`,
    },
    args: ["app.mjs"],
    found: "default export, a Fastify application",
  },
];

const transportOf = (kind: string): string => (kind === "node" || kind === "server" ? "node:http" : "engine");

test.each(SHAPES)("$name is served", async ({ files, args, found, kind = "node", packages = [] }) => {
  const project = await tempProject(files);
  await project.linkPackages(...packages);
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", ...args], { cwd: project.dir });
  expect(await ask(await server.target(), "/path")).toBe(REPLY);
  expect(server.log.all("application found")).toMatchObject([
    { interface: kind, found, transport: transportOf(kind), transportReason: expect.stringMatching(/\w/) },
  ]);
  expect((await server.stop()).code).toBe(0);
});

test("an export that only has the name of a function of the application's life is named, once a generation", async () => {
  const code = `export default ${NODE};
    export const upgrade = "the premium plan", health = { ok: true }, shutdown = undefined;
    export const beforeDrain = () => console.log("drains");\n`;
  const project = await tempProject({ "app.mjs": code });
  const server = startTsgate(["--workers", "2", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  expect(server.log.all("export ignored: it is no function")).toMatchObject([
    { level: 40, application: "app.mjs", name: "health", type: "an object with the keys ok" },
    { level: 40, application: "app.mjs", name: "upgrade", type: "a string" },
  ]);
  expect((await server.stop()).code).toBe(0);
  await server.waitForOutput(/drains/);
});

test.each([
  ["light ones", [], false],
  ["Node's own with --native-fetch", ["--native-fetch"], true],
])("a fetch handler has Request and Response: %s", async (_, flags, isNative) => {
  // Node's own classes stand at the root; what stands before them is ours.
  const code = `export default {
    fetch(request) {
      const isRoot = (one) => Object.getPrototypeOf(one.prototype) === Object.prototype;
      const kinds = [Request, Response].map(isRoot);
      return Response.json({ kinds, isRequest: request instanceof Request });
    },
  };\n`;
  const project = await tempProject({ "app.mjs": code });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", ...flags, "app.mjs"], { cwd: project.dir });
  expect(JSON.parse(await ask(await server.target()))).toEqual({ kinds: [isNative, isNative], isRequest: true });
  expect((await server.stop()).code).toBe(0);
});

test("a router that answers to every name is what it has itself, and properties that cannot be read are left alone", async () => {
  const project = await tempProject({
    "router.mjs": `
      const any = new Proxy({}, { get: (_, name) => (typeof name === "string" ? () => any : undefined) });
      export default Object.setPrototypeOf({ fetch: () => new Response("routed") }, any);
    `,
    "legacy.cjs": `
      module.exports = (request, response) => response.end("kept");
      Object.defineProperty(module.exports, "legacy", { enumerable: true, get() { throw new Error("legacy is gone"); } });
    `,
  });
  for (const [app, kind, body] of [
    ["router.mjs", "fetch", "routed"],
    ["legacy.cjs", "node", "kept"],
  ] as const) {
    const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", app], { cwd: project.dir });
    expect(await ask(await server.target())).toBe(body);
    expect(server.log.all("application found")).toMatchObject([{ interface: kind }]);
    expect((await server.stop()).code).toBe(0);
  }
});

test("a (req, res) function that returns a Response is told apart at its first request", async () => {
  const project = await tempProject({
    "app.mjs": "export default async (request, context) => new Response('hello');\n",
  });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  expect((await fetch(await server.url())).status).toBe(500);
  expect((await server.waitForRecord("application error"))["error"]).toMatchObject({
    message:
      "the (req, res) function returned a Response, which nobody sends: export { fetch }, or add --interface fetch",
  });
  expect((await server.stop()).code).toBe(0);
});

test("a fetch handler that fails answers 500, and the log says in one sentence what it returned", async () => {
  const project = await tempProject({
    "app.mjs": "export default { fetch: (request) => (request.url.endsWith('/none') ? undefined : 'text') };\n",
  });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  for (const [path, what] of [
    ["/none", "undefined"],
    ["/text", "a string"],
  ] as const) {
    expect((await fetch((await server.url()) + path)).status).toBe(500);
    const record = await server.waitForRecord({ msg: "application error", path });
    expect(record["error"]).toMatchObject({
      message: `the fetch handler returned ${what}; it must return a Response, or a promise of one`,
    });
  }
  expect((await server.stop()).code).toBe(0);
});

test("TypeScript is served where Node runs it, and refused with what to do where it does not", async () => {
  const project = await tempProject({
    "app.mts":
      'import type { IncomingMessage, ServerResponse } from "node:http";\n' +
      "export default (request: IncomingMessage, response: ServerResponse): void => void response.end('typed');\n",
  });
  if (!stripsTypes()) {
    expect(await failedStart(project, ["app.mts"])).toEqual({
      code: 4,
      sentence:
        "the application app.mts is TypeScript, which Node NODE does not run; " +
        "use Node 22.18 or later, add --import tsx, or compile it to JavaScript",
      stack: "",
    });
    return;
  }
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mts"], { cwd: project.dir });
  expect(await ask(await server.target())).toBe("typed");
  expect((await server.stop()).code).toBe(0);
});

test("what follows -- becomes the application's arguments", async () => {
  const code = "export default (request, response) => response.end(JSON.stringify(process.argv.slice(1)));\n";
  const project = await tempProject({ "app.mjs": code });
  const args = ["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs", "--", "--workers", "nine", "-x"];
  const server = startTsgate(args, { cwd: project.dir });
  const argv = JSON.parse(await ask(await server.target())) as unknown;
  expect(argv).toEqual([project.path("app.mjs"), "--workers", "nine", "-x"]);
  expect((await server.stop()).code).toBe(0);
});
