/** `--static` over the shipped binary: files before every kind of application, and nothing else than files. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, open, rename, symlink, truncate } from "node:fs/promises";
import http from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";

const ARGS = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "100ms"];

const APPLICATIONS = {
  gateway: `export const application = (environ, startResponse) => {
    startResponse(200, []);
    return ["app: ", environ.REQUEST_METHOD, " ", environ.PATH_INFO];
  };`,
  fetch: `export default { fetch: (request) => new Response("app: " + request.method + " " + new URL(request.url).pathname) };`,
  node: `export default (request, response) => void response.end("app: " + request.method + " " + request.url);`,
};

const FILES = {
  "public/hello.txt": "hello",
  "public/docs/index.html": "the docs",
  "public/.env": "SECRET",
  "secret.txt": "secret",
};

interface Reply {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Asks as it is written: no path is normalised on the way. */
async function ask(url: string, path: string, options: http.RequestOptions = {}): Promise<Reply> {
  const { hostname, port } = new URL(url);
  const request = http.request({ hostname, port, path, agent: false, ...options });
  request.end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test.each(Object.entries(APPLICATIONS))("files are served before an application of kind %s", async (_, source) => {
  const project = await tempProject({ "app.mjs": source, ...FILES });
  await symlink("../secret.txt", project.path("public/link"));
  const args = ["--static", "/=public", "--access-logfile", "access.log", "app.mjs"];
  const server = startTsgate([...ARGS, ...args], { cwd: project.dir });
  const url = await server.url();
  expect((await ask(url, "/hello.txt")).body).toBe("hello");
  expect((await ask(url, "/docs/")).body).toBe("the docs");
  expect((await ask(url, "/hello.txt", { method: "POST" })).body).toBe("app: POST /hello.txt");
  for (const path of ["/other", "/.env", "/link", "/../secret.txt", "/%2e%2e/secret.txt", "/docs/..%2f..%2fsecret.txt"])
    expect((await ask(url, path)).body).toMatch(/^app: GET /);
  const head = await ask(url, "/hello.txt", { method: "HEAD" });
  expect([head.status, head.headers["content-length"], head.body]).toEqual([200, "5", ""]);
  const part = await ask(url, "/hello.txt", { headers: { range: "bytes=1-2" } });
  expect([part.status, part.body]).toEqual([206, "el"]);
  const again = await ask(url, "/hello.txt", { headers: { "if-none-match": head.headers.etag } });
  expect([again.status, again.body]).toEqual([304, ""]);
  const redirect = await ask(url, "/docs?a=1");
  expect([redirect.status, redirect.headers.location]).toEqual([301, "/docs/?a=1"]);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const lines = readFileSync(project.path("access.log"), "utf8");
  expect(lines).toMatch(/"GET \/hello\.txt HTTP\/1\.1" 200 5 /);
  expect(lines).toMatch(/"GET \/other HTTP\/1\.1" 200 /);
});

test("folders may overlap, the longest prefix first; a file that changes is seen at once", async () => {
  const project = await tempProject({
    "app.mjs": APPLICATIONS.gateway,
    "a/x.txt": "x of a",
    "a/assets/y.txt": "y of a",
    "b/y.txt": "y of b",
    "tsgate.config.json": JSON.stringify({ static: { "/": "a", "/assets": "b" } }),
  });
  const server = startTsgate([...ARGS, "app.mjs"], { cwd: project.dir });
  const url = await server.url();
  const bodyOf = async (path: string): Promise<string> => (await ask(url, path)).body;
  expect(await bodyOf("/x.txt")).toBe("x of a");
  expect(await bodyOf("/assets/y.txt")).toBe("y of b");
  await project.write("b/new", "another y of b");
  await rename(project.path("b/new"), project.path("b/y.txt"));
  expect(await bodyOf("/assets/y.txt")).toBe("another y of b");
  await rename(project.path("b/y.txt"), project.path("b/z.txt"));
  expect(await bodyOf("/assets/y.txt")).toBe("y of a");
  expect(await bodyOf("/assets/z.txt")).toBe("another y of b");
});

test("a reload reads them afresh, and changes nothing where one is missing", async () => {
  const config = (directory: string): string => JSON.stringify({ static: [`/=${directory}`] });
  const project = await tempProject({
    "app.mjs": APPLICATIONS.node,
    "one/page.txt": "one",
    "two/page.txt": "two",
    "tsgate.config.json": config("one"),
  });
  const server = startTsgate([...ARGS, "app.mjs"], { cwd: project.dir });
  const url = await server.url();
  await server.waitForReady(1);
  expect((await ask(url, "/page.txt")).body).toBe("one");
  await project.write("tsgate.config.json", config("missing"));
  server.signal("SIGHUP");
  const { error } = await server.waitForRecord("reload failed");
  expect(JSON.stringify(error)).toMatch(/static in .*: .*missing does not exist/);
  expect((await ask(url, "/page.txt")).body).toBe("one");
  await project.write("tsgate.config.json", config("two"));
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  expect((await ask(url, "/page.txt")).body).toBe("two");
});

test("directories are relative to --chdir", async () => {
  const project = await tempProject({ "srv/app.mjs": APPLICATIONS.node, "srv/public/a.txt": "a" });
  const server = startTsgate([...ARGS, "--chdir", "srv", "--static", "/=public", "app.mjs"], { cwd: project.dir });
  expect((await ask(await server.url(), "/a.txt")).body).toBe("a");
});

describe("what cannot be is said, and the start ends with 2", () => {
  const program = "import http from 'node:http';\nhttp.createServer().listen(0);";

  test.each([
    ["/=missing", "app.mjs", /^--static: DIR\/missing does not exist; name a directory that does$/],
    ["/=app.mjs", "app.mjs", /^--static: DIR\/app\.mjs is not a directory; name one$/],
    ["public", "app.mjs", /^--static: "public" is not PREFIX=DIR; give one such as \/assets=public$/],
    ["a=public", "app.mjs", /^--static: the prefix "a" does not begin with a slash/],
    ["/=public", "program.mjs", /^--static has no effect on an application of kind server, only on kind gateway/],
  ])("--static %s %s", async (folder, app, sentence) => {
    const project = await tempProject({ "app.mjs": APPLICATIONS.node, "program.mjs": program });
    await mkdir(project.path("public"));
    const failed = await failedStart(project, ["--static", folder, app]);
    expect(failed.sentence).toMatch(sentence);
    expect(failed.code).toBe(2);
  });
});

test.each([
  ["node:http", APPLICATIONS.node],
  ["the engine", APPLICATIONS.gateway],
])(
  "over %s a file that shrinks while it is sent never ends as if it were whole, and is told to the log",
  async (_, app) => {
    const project = await tempProject({ "app.mjs": app });
    await mkdir(project.path("public"));
    const size = 256 * 1024 * 1024;
    await (await open(project.path("public/huge.bin"), "w")).close();
    await truncate(project.path("public/huge.bin"), size);
    const server = startTsgate([...ARGS, "--static", "/=public", "app.mjs"], { cwd: project.dir });
    const request = http.get(`${await server.url()}/huge.bin`, { agent: false });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    expect(response.headers["content-length"]).toBe(String(size));
    // Nothing has been read of it: far more than fits on the way is still to come.
    await truncate(project.path("public/huge.bin"), size / 2);
    await expect(async () => {
      for await (const _ of response);
    }).rejects.toThrow("aborted");
    const { error, path } = await server.waitForRecord("static file failed");
    expect(path).toBe("/huge.bin");
    expect(JSON.stringify(error)).toMatch(
      /huge\.bin has become shorter while it was sent|was changed while it was sent/,
    );
  },
);
