/**
 * What is nearly an application: exports that cannot be served, or of which nobody can tell how, and programs that do
 * not listen. One sentence says what was found and what would do; exit code 4, and nothing is left.
 */

import { describe, expect, test } from "vitest";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";

const SERVED =
  "tsgate serves an export named application (environ, startResponse), a default export made by defineApplication(), " +
  "an object with a fetch(request) method, a (req, res) function, a framework's application, an http.Server, " +
  "or a program that calls listen() itself (--interface server waits for one that does so late)";

interface NearMiss {
  readonly name: string;
  readonly code: string;
  /** Default: `app.mjs`. */
  readonly file?: string;
  readonly flags?: readonly string[];
  readonly packages?: readonly string[];
  /** What follows `application app.mjs`. */
  readonly problem: string;
}

async function refuses({ code, file = "app.mjs", flags = [], packages = [], problem }: NearMiss): Promise<void> {
  const project = await tempProject({ [file]: `${code}\n` });
  await project.linkPackages(...packages);
  expect(await failedStart(project, [...flags, file])).toEqual({
    code: 4,
    sentence: `application ${file} ${problem}`,
    stack: "",
  });
}

const EXPORTS: readonly NearMiss[] = [
  {
    name: "a number",
    code: "export default 42;",
    problem: `cannot be served: its default export is a number; ${SERVED}`,
  },
  { name: "null", code: "export default null;", problem: `cannot be served: its default export is null; ${SERVED}` },
  {
    name: "a promise, as of a framework's instance that was not awaited",
    code: "export default Promise.resolve((request, response) => response.end());",
    problem: `cannot be served: its default export is a promise; await it (export default await …), or export a function that returns it (--factory)`,
  },
  {
    name: "a class",
    code: "export default class Site {}",
    problem: `cannot be served: its default export is the class Site; export an instance of it`,
  },
  {
    name: "a factory without --factory",
    code: "export default async () => (request, response) => response.end();",
    problem: `cannot be served: its default export is a function with 0 parameters; if it returns the application, add --factory`,
  },
  {
    name: "a gateway application's factory without --factory",
    code: "export async function application() {}",
    problem: `cannot be served: its export "application" is a function with 0 parameters; if it returns the application, add --factory`,
  },
  {
    name: "a fetch handler by itself",
    code: "export default (request) => new Response('hello');",
    problem: `cannot be served: its default export is a function with 1 parameter; if it returns a Response, export { fetch } or add --interface fetch; if it returns the application, add --factory`,
  },
  {
    name: "an object whose fetch is no function",
    code: "export default { fetch: 'https://example.org' };",
    problem: `cannot be served: its default export is an object with the keys fetch; its fetch is not a function`,
  },
  {
    name: "an object that listens when it is told to",
    code: "export default { listen(port) {} };",
    problem: `cannot be served: its default export is an object with the keys listen; call that in the module itself: tsgate puts the http.Server that then listens on its sockets (if late, add --interface server)`,
  },
  {
    name: "a default export beside the application that was meant",
    code: "export default { port: 3000 };\nexport const site = { fetch: () => new Response() };",
    problem: `cannot be served: its default export is an object with the keys port; its export "site" is a fetch handler, which app.mjs:site serves`,
  },
  {
    name: "a default export among others that are none either",
    code: "export default { port: 3000 };\nexport const host = 'here';",
    problem: `cannot be served: its default export is an object with the keys port; ${SERVED}`,
  },
  {
    name: "two applications",
    code: "export const application = (environ, startResponse) => [];\nexport default (request, response) => response.end();",
    problem: `has two applications, its export "application" (a gateway application) and its default export (a (req, res) function); say which: application or default, after a colon`,
  },
  {
    name: "nothing that could be meant",
    code: "export const handler = (a, b) => {};\nexport const port = 80;",
    problem: `exports no application by a usual name (its export "handler" is a (req, res) function, which app.mjs:handler serves) and did not call listen() on an HTTP server`,
  },
];

describe("an export that is no application is refused", () => {
  test.each(EXPORTS)("$name", refuses);
});

const INTERFACES: readonly NearMiss[] = [
  {
    name: "Express as a gateway application",
    code: 'import express from "express";\nexport default express();',
    packages: ["express"],
    flags: ["--interface", "gateway"],
    problem:
      "cannot be served: its default export is a function with 3 parameters; that is an Express or Connect application, of kind node: leave out --interface gateway",
  },
  {
    name: "an object as a gateway application",
    code: "export default { use() {}, callback() {} };",
    flags: ["--interface", "gateway"],
    problem:
      "cannot be served: its default export is an object with the keys use, callback; that is a Koa application, of kind node: leave out --interface gateway",
  },
  {
    name: "a fetch handler as a (req, res) function",
    code: "export default { fetch: () => new Response() };",
    flags: ["--interface", "node"],
    problem:
      "cannot be served: its default export is an object with the keys fetch; that is a fetch handler, of kind fetch: leave out --interface node",
  },
  {
    name: "a class as a (req, res) function",
    code: "export default class Site {}",
    flags: ["--interface", "node"],
    problem: "cannot be served: its default export is the class Site; export an instance of it",
  },
  {
    name: "a (req, res) object as a fetch handler",
    code: "export default { handle() {} };",
    flags: ["--interface", "fetch"],
    problem:
      "cannot be served: its default export is an object with the keys handle; a fetch handler is an object with a fetch(request) method, or a function (request) that returns a Response",
  },
  {
    name: "nothing, when an interface was named",
    code: "export const port = 80;",
    flags: ["--interface", "fetch"],
    problem:
      "exports no application: it exports port (a number); a fetch handler is an object with a fetch(request) method, or a function (request) that returns a Response",
  },
  {
    name: "--factory for an application that is there already",
    code: 'import express from "express";\nexport default express();',
    packages: ["express"],
    flags: ["--factory"],
    problem: "needs no factory: its default export is an Express or Connect application; leave out --factory",
  },
  {
    name: "--factory for an object",
    code: "export default { fetch: () => new Response() };",
    flags: ["--factory"],
    problem: "needs no factory: its default export is a fetch handler; leave out --factory",
  },
];

describe("an interface that does not fit is refused", () => {
  test.each(INTERFACES)("$name", refuses);
});

const PROGRAMS: readonly NearMiss[] = [
  {
    name: "listens on nothing",
    code: 'import http from "node:http";\nhttp.createServer(() => {});',
    problem: `exports nothing and did not call listen() on an HTTP server; ${SERVED}`,
  },
  {
    name: "listens on nothing, in CommonJS",
    file: "app.cjs",
    code: 'require("node:http").createServer(() => {});',
    problem: `exports nothing and did not call listen() on an HTTP server; ${SERVED}`,
  },
  {
    name: "listens on what is no HTTP server",
    code: 'import net from "node:net";\nnet.createServer().listen(0, "127.0.0.1").unref();',
    problem: `exports nothing and did not call listen() on an HTTP server; ${SERVED}`,
  },
  {
    name: "listens on another port than --listen-match says",
    code: 'import http from "node:http";\nhttp.createServer().listen(0, "127.0.0.1").unref();',
    flags: ["--listen-match", "3000"],
    problem: `exports nothing and did not call listen(3000) (--listen-match), only listen(0, 127.0.0.1)`,
  },
  {
    name: "is said to listen, and does not",
    code: "export default (request, response) => response.end();",
    flags: ["--interface", "server"],
    problem: `exports an application that --interface server leaves out and did not call listen() on an HTTP server`,
  },
];

describe("a program that does not listen is refused: it", () => {
  test.each(PROGRAMS)("$name", refuses);

  test("does not listen in time", async () => {
    const project = await tempProject({ "app.mjs": "setInterval(() => {}, 1000);\n" });
    const failed = await failedStart(project, ["--boot-timeout", "4s", "app.mjs"]);
    expect(failed).toEqual({
      code: 4,
      sentence:
        "application app.mjs exports nothing and did not call listen() on an HTTP server within 4 s (--boot-timeout)",
      stack: "",
    });
  });

  test("listens twice on one server", async () => {
    const code =
      'import http from "node:http";\nconst server = http.createServer();\nserver.listen(1);\nserver.listen(2);\n';
    const project = await tempProject({ "app.mjs": code });
    const failed = await failedStart(project, ["app.mjs"]);
    expect(failed).toMatchObject({
      code: 4,
      sentence: "application app.mjs failed to load: Listen method has been called more than once without closing.",
    });
    expect(failed.stack).toContain("app.mjs:4:8");
  });

  test("closes its server before it is ready", async () => {
    const code =
      'import http from "node:http";\nconst server = http.createServer().listen(1);\nexport const startup = () => void server.close();\n';
    const project = await tempProject({ "app.mjs": code });
    expect(await failedStart(project, ["app.mjs"])).toEqual({
      code: 3,
      sentence: "application app.mjs closed its server before it was ready",
      stack: "",
    });
  });
});

test("a program that listens late is named, and served once it listens", async () => {
  const code =
    'import http from "node:http";\nsetTimeout(() => http.createServer((request, response) => response.end("late")).listen(3000), 6500);\n';
  const project = await tempProject({ "app.mjs": code });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  expect(await server.waitForRecord("application is late")).toMatchObject({
    waitsFor: "listen(), until --boot-timeout",
    found: "exports nothing and did not call listen() on an HTTP server",
  });
  expect(await (await fetch(await server.url())).text()).toBe("late");
});

test.each([
  ["--listen-match 3000", {}, "--listen-match", "server", "app.mjs"],
  ["TSGATE_LISTEN_MATCH", { TSGATE_LISTEN_MATCH: "3000" }, "TSGATE_LISTEN_MATCH", "server", "app.mjs"],
  ["--native-fetch", {}, "--native-fetch", "fetch", "app.mjs"],
])("%s on an application that cannot act on it ends with exit code 2", async (given, env, name, kind, app) => {
  const project = await tempProject({ [app]: "export default (request, response) => response.end();\n" });
  const flags = given.startsWith("--") ? given.split(" ") : [];
  const sentence = `${name} has no effect on an application of kind node, only on kind ${kind}; leave it out`;
  expect(await failedStart(project, [...flags, app], { env })).toEqual({ code: 2, sentence, stack: "" });
  expect(await failedStart(project, [...flags, "--check-config", app], { env, places: [] })).toEqual({
    code: 2,
    sentence,
    stack: "",
  });
});
