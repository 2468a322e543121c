/** The access log on the shipped binary: one line a request, whole, whatever happens to servers, workers and files. */

import { existsSync, readFileSync } from "node:fs";
import { rename } from "node:fs/promises";
import http from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const APP = `
const routes = {
  "/late": (request, response) => setTimeout(() => response.end("late"), Number(request.url.split("?")[1])),
  "/never": () => {},
  "/half": (request, response) => response.write("half"),
  "/stream": (request, response) => { response.write("four"); response.write(Buffer.from("five5")); response.end("\\u00e9"); },
  "/none": (request, response) => response.writeHead(204).end("not sent"),
  "/exit": () => process.exit(7),
  "/throws-later": () => setImmediate(() => { throw new Error("nobody catches it"); }),
};
export default (request, response) => {
  const route = routes[request.url.split("?")[0]];
  if (route !== undefined) return route(request, response);
  response.setHeader("X-Worker-Pid", process.pid);
  response.end("hello");
};
`;
const soon = { timeout: 45_000, interval: 20 } as const;

describe("every request has its line", () => {
  test("whole and once, over reloads, a rotation, fewer workers and a stop", async () => {
    const { server, project } = await start({ args: ["--workers", "3", "--access-logformat", "%(r)s %(s)s %(B)s"] });
    const client = new Clients(await server.url());
    await client.until(300);
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    await rename(project.path("access.log"), project.path("access.log.1"));
    server.signal("SIGUSR1");
    await server.waitForRecord("logs reopened");
    const old = readFileSync(project.path("access.log.1"), "utf8");
    await client.until(client.asked + 300);
    server.signal("SIGTTOU");
    server.signal("SIGHUP");
    await server.waitForRecord({ msg: "reload done", generation: 3 });
    await client.until(client.asked + 100);
    await client.stop();
    expect((await server.stop()).code).toBe(0);
    expect(readFileSync(project.path("access.log.1"), "utf8")).toBe(old);
    const lines = [...linesIn(project, "access.log.1"), ...linesIn(project)];
    expect(lines.filter((line) => !/^GET \/\?\d+ HTTP\/1\.1 200 5$/.test(line))).toEqual([]);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.map(numberIn).toSorted((a, b) => a - b)).toEqual(client.answered.toSorted((a, b) => a - b));
  });

  test("also at a quick stop: what was answered, and what was cut", async () => {
    const { server, project } = await start({ args: ["--workers", "2", "--access-logformat", "json"] });
    const client = new Clients(await server.url());
    const waiting = await connectRaw(await server.target());
    waiting.get("/never");
    await client.until(200);
    server.signal("SIGINT");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    await client.stop();
    const lines = linesIn(project).map((line) => JSON.parse(line) as Line);
    const whole = lines.filter(({ status, cut }) => status === 200 && cut === undefined);
    const numbers = whole.map(({ query }) => Number(query));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(client.answered.filter((number) => !numbers.includes(number))).toEqual([]);
    expect(lines.filter(({ path }) => path === "/never")).toMatchObject([{ status: 499, bytes: 0, cut: true }]);
  });

  test.each([
    ["ends its process", "/exit", "crashed"],
    ["throws where nobody catches", "/throws-later", "uncaught exception"],
  ])("also when the application %s", async (_, path, cause) => {
    const args = ["--graceful-timeout", "500ms", "--access-logformat", "%(r)s %(s)s"];
    const { server, project } = await start({ args });
    const target = await server.target();
    for (let index = 0; index < 5; index++) await requestOnce(target);
    (await connectRaw(target)).get(path);
    await server.waitForRecord({ msg: "worker gone", cause });
    expect((await server.stop()).code).toBe(0);
    expect(linesIn(project).toSorted()).toEqual(
      [`GET ${path} HTTP/1.1 499`, ...Array.from({ length: 5 }, () => "GET / HTTP/1.1 200")].toSorted(),
    );
  });

  test("also when the master was killed", async () => {
    const { server, project } = await start({ args: ["--access-logformat", "%(r)s %(s)s"] });
    const client = await connectRaw(await server.target());
    client.get("/late?1000");
    // It has been read when a second one is answered.
    expect((await requestOnce(await server.target())).outcome).toBe("ok");
    server.signal("SIGKILL");
    await server.exited;
    await client.received(/late$/);
    await expect.poll(() => linesIn(project), soon).toContain("GET /late?1000 HTTP/1.1 200");
  });

  test("also each of several requests in one piece, when their connection breaks", async () => {
    const { server, project } = await start({ args: ["--access-logformat", "%(r)s %(s)s"] });
    const client = await connectRaw(await server.target());
    client.send(["/", "/never", "/a", "/b"].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(""));
    await client.received(/hello$/);
    client.socket.resetAndDestroy();
    await expect
      .poll(() => linesIn(project).toSorted(), soon)
      .toEqual(["GET / HTTP/1.1 200", ...["/a", "/b", "/never"].map((path) => `GET ${path} HTTP/1.1 499`)]);
  });
});

describe("a line says", () => {
  test("what gunicorn's would, in Apache's combined format when nothing else is asked for", async () => {
    const { server, project } = await start();
    const { status } = await fetchWith(server, "/page?q=1", {
      "User-Agent": 'Test "1.0"',
      Referer: "https://example.org/",
      Authorization: `Basic ${Buffer.from("frank:secret").toString("base64")}`,
    });
    expect(status).toBe(200);
    await expect.poll(() => linesIn(project).length, soon).toBe(1);
    const when = String.raw`\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
    expect(linesIn(project)[0]).toMatch(
      new RegExp(
        String.raw`^127\.0\.0\.1 - frank ${when} "GET /page\?q=1 HTTP/1\.1" 200 5 "https://example\.org/" "Test \\"1\.0\\""$`,
      ),
    );
  });

  test.each([
    ["a body in pieces", "GET", "/stream", 200, 11],
    ["none", "GET", "/none", 204, 0],
    ["one that HEAD leaves out", "HEAD", "/", 200, 0],
  ])("how many bytes of body were sent: %s", async (_, method, path, status, bytes) => {
    const { server, project } = await start({ args: ["--access-logformat", "%(m)s %(s)s %(B)s %(b)s"] });
    const client = await connectRaw(await server.target());
    client.send(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await client.ended();
    await expect.poll(() => linesIn(project), soon).toEqual([`${method} ${status} ${bytes} ${bytes || "-"}`]);
  });

  test("499 when the client went away before there was a reply, and the status of a reply that was cut", async () => {
    const { server, project } = await start({ args: ["--access-logformat", "json"] });
    const target = await server.target();
    const gone = await connectRaw(target);
    gone.get("/never");
    const cut = await connectRaw(target);
    cut.get("/half");
    await cut.received(/half/);
    // It has been read when another is answered.
    await requestOnce(target);
    gone.socket.resetAndDestroy();
    cut.socket.resetAndDestroy();
    await expect.poll(() => linesIn(project).length, soon).toBe(3);
    const lines = linesIn(project).map((line) => JSON.parse(line) as Line);
    expect(lines.find(({ path }) => path === "/never")).toMatchObject({ status: 499, bytes: 0, cut: true });
    expect(lines.find(({ path }) => path === "/half")).toMatchObject({ status: 200, bytes: 4, cut: true });
    expect(lines.find(({ path }) => path === "/")).not.toHaveProperty("cut");
  });

  test.each([
    ["no request", "GARBAGE\r\n\r\n", "- 400"],
    ["a request line with a wrong version", "GET /x HTTP/9.9\r\nHost: x\r\n\r\n", "GET /x HTTP/9.9 400"],
    ["no Host", "GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1 400"],
    ["an expectation that nobody knows", "GET /x HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n", "GET /x HTTP/1.1 417"],
    [
      "too large a head",
      `GET /x HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(70_000)}\r\n\r\n`,
      /^(?:GET \/x HTTP\/1\.1|-) 431$/,
    ],
    [
      "a body that is none",
      "POST /never HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
      "POST /never HTTP/1.1 400",
    ],
  ])("what the server refused by itself: %s", async (_, bytes, expected) => {
    const { server, project } = await start({ args: ["--access-logformat", "%(r)s %(s)s"] });
    const client = await connectRaw(await server.target());
    client.send(bytes);
    await client.received(/^HTTP\/1\.1 4/);
    client.socket.end();
    await expect.poll(() => linesIn(project), soon).toEqual([expect.stringMatching(expected)]);
  });

  test("nothing of connections on which nothing came", async () => {
    const { server, project } = await start({ args: ["--access-logformat", "%(r)s %(s)s"] });
    const target = await server.target();
    const silent = await Promise.all([connectRaw(target), connectRaw(target)]);
    silent[0].socket.resetAndDestroy();
    silent[1].socket.end();
    await requestOnce(target);
    expect((await server.stop()).code).toBe(0);
    expect(linesIn(project)).toEqual(["GET / HTTP/1.1 200"]);
  });

  test.each([
    ["101 when it was", "101 Switching Protocols", "write"],
    ["what it was refused with", "401 Unauthorized", "end"],
  ])("of an upgrade %s", async (_, reply, call) => {
    const upgrade = `export const upgrade = (request, socket) => void socket.${call}("HTTP/1.1 ${reply}\\r\\n\\r\\n");\n`;
    const args = ["--access-logformat", "%(r)s %(s)s %({x-a}i)s"];
    const { server, project } = await start({ args, app: APP + upgrade });
    const client = await connectRaw(await server.target());
    client.send("GET /up HTTP/1.1\r\nHost: x\r\nX-A: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    await client.received(new RegExp(`^HTTP/1.1 ${reply}`));
    await expect.poll(() => linesIn(project), soon).toEqual([`GET /up HTTP/1.1 ${reply.slice(0, 3)} a`]);
  });
});

describe.each([
  ["node", `export default (request, response) => response.writeHead(201, { "X-B": "b" }).end("1234");\n`],
  [
    "gateway",
    `export const application = (environ, startResponse) => {
      environ.REMOTE_USER = "of the application";
      startResponse(201, [["X-B", "b"]]);
      return ["1234"];
    };\n`,
  ],
  [
    "fetch",
    `export default { fetch(request, environ) {
      environ.REMOTE_USER = "of the application";
      return new Response("1234", { status: 201, headers: { "X-B": "b" } });
    } };\n`,
  ],
  [
    "server",
    `import http from "node:http";
     http.createServer((request, response) => response.writeHead(201, ["X-B", "b"]).end("1234")).listen(3000);\n`,
  ],
])("an application of kind %s", (kind, app) => {
  test("has lines with its headers and its environ", async () => {
    const format = "%(r)s %(s)s %(B)s %({x-a}i)s %({x-b}o)s %({HTTP_X_A}e)s %({QUERY_STRING}e)s %({REMOTE_USER}e)s";
    const { server, project } = await start({ app, args: ["--access-logformat", format] });
    await fetchWith(server, "/p?q", { "X-A": "a" });
    const user = kind === "gateway" || kind === "fetch" ? "of the application" : "-";
    await expect.poll(() => linesIn(project), soon).toEqual([`GET /p?q HTTP/1.1 201 4 a b a q ${user}`]);
  });
});

test("a program that speaks HTTP/2 has a line for each request", async () => {
  const app = `import http2 from "node:http2";
    http2.createServer((request, response) => { response.setHeader("x-b", "b"); response.write("12"); response.end("34"); }).listen(3000);\n`;
  const { server, project } = await start({ app, args: ["--access-logformat", "%(h)s %(r)s %(s)s %(B)s %({x-b}o)s"] });
  const { connect } = await import("node:http2");
  const session = connect(await server.url());
  onTestFinished(() => session.destroy());
  for (const path of ["/one", "/two"]) {
    const stream = session.request({ ":path": path });
    await new Promise((resolve) => stream.resume().once("close", resolve).end());
  }
  const expected = ["/one", "/two"].map((path) => `127.0.0.1 GET ${path} HTTP/2.0 200 4 b`);
  await expect.poll(() => linesIn(project), soon).toEqual(expected);
});

test("what else a program listens on is no affair of the access log", async () => {
  const app = `import http from "node:http";
    const server = http.createServer((request, response) => response.end("site"));
    const other = http.createServer((request, response) => response.end("other"));
    server.listen(3000, () => other.listen(0, "127.0.0.1"));\n`;
  const { server, project } = await start({ app, args: ["--access-logformat", "%(r)s"] });
  const { address } = await server.waitForRecord("also listening");
  expect(await (await fetch(`http://${String(address)}/other`)).text()).toBe("other");
  await fetchWith(server, "/site");
  expect((await server.stop()).code).toBe(0);
  expect(linesIn(project)).toEqual(["GET /site HTTP/1.1"]);
});

test("lines on the standard output are all of it", async () => {
  const { server } = await start({ args: ["--workers", "2", "--access-logformat", "%(r)s"], logfile: "-" });
  const target = await server.target();
  for (let index = 0; index < 20; index++) await requestOnce(target, { path: `/${index}` });
  expect((await server.stop()).code).toBe(0);
  const expected = Array.from({ length: 20 }, (_, index) => `GET /${index} HTTP/1.1`);
  expect(server.stdout.split("\n").slice(0, -1).toSorted()).toEqual(expected.toSorted());
});

describe("a target that does not take the lines", () => {
  test.runIf(existsSync("/dev/full"))("because the disk is full costs no request, and is told once", async () => {
    const { server } = await start({ args: ["--workers", "1"], logfile: "/dev/full" });
    const target = await server.target();
    for (let index = 0; index < 50; index++) expect((await requestOnce(target)).outcome).toBe("ok");
    await server.waitForRecord("access log failed");
    expect((await server.stop()).code).toBe(0);
    expect(server.log.all("access log failed")).toMatchObject([
      { level: 40, role: "worker", slot: 0, file: "/dev/full", error: "the disk is full" },
    ]);
    expect(server.log.all("access log lines lost")).toMatchObject([{ level: 40, dropped: 50 }]);
  });

  test("because nobody reads a pipe costs no request, and gets them to whoever comes", async () => {
    const project = await tempProject({ "app.mjs": APP });
    const { execFileSync } = await import("node:child_process");
    execFileSync("mkfifo", [project.path("fifo")]);
    const { server } = await start({
      project,
      logfile: "fifo",
      args: ["--workers", "1", "--access-logformat", "%(r)s %(a)s"],
    });
    const target = await server.target();
    const agent = "a".repeat(7000);
    // Twice what a pipe takes.
    for (let index = 0; index < 20; index++)
      expect((await requestOnce(target, { headers: [["User-Agent", agent]] })).outcome).toBe("ok");
    const { createReadStream } = await import("node:fs");
    const reader = createReadStream(project.path("fifo"), { encoding: "utf8" });
    onTestFinished(() => void reader.destroy());
    let text = "";
    reader.on("data", (chunk) => (text += String(chunk)));
    await expect.poll(() => text.split("\n").length - 1, soon).toBe(20);
    expect(new Set(text.split("\n").slice(0, -1))).toEqual(new Set([`GET / HTTP/1.1 ${agent}`]));
    expect((await server.stop()).code).toBe(0);
    expect(server.log.all(({ msg }) => msg.startsWith("access log"))).toEqual([]);
  });
});

describe("a start", () => {
  test.each([
    [
      ["--access-logfile", "none/access.log"],
      "--access-logfile: cannot write to DIR/none/access.log: the directory DIR/none does not exist",
    ],
    [["--access-logfile", "."], "--access-logfile: cannot write to DIR: it is a directory"],
    [
      ["--access-logformat", "%(status)s"],
      "--access-logformat: %(status)s is not known; did you mean %(s)s, or %({status}i)s for a header of the request?",
    ],
    [["--access-logformat", "jsn"], '--access-logformat: "jsn" holds no atom; did you mean json?'],
    [["--request-id", "yes"], '--request-id: "yes" is not known; give one of auto, on, off'],
  ])("with %s is refused", async (args, sentence) => {
    const project = await tempProject({ "app.mjs": APP });
    expect(await failedStart(project, [...args, "app.mjs"])).toEqual({ code: 2, sentence, stack: "" });
  });

  test("that fails for another reason leaves no file", async () => {
    const project = await tempProject({ "app.mjs": "throw new Error('at load');\n" });
    const { code } = await failedStart(project, ["--access-logfile", "access.log", "app.mjs"]);
    expect(code).toBe(4);
  });

  test("begins its relative path in --chdir", async () => {
    const project = await tempProject({ "site/app.mjs": APP });
    const { server } = await start({ project, args: ["--chdir", "site"] });
    await requestOnce(await server.target());
    expect((await server.stop()).code).toBe(0);
    expect(linesIn(project, "site/access.log")).toHaveLength(1);
  });
});

test("a reload changes file and format; one into a file that cannot be written changes nothing", async () => {
  const config = (file: string, format: string): string =>
    JSON.stringify({
      app: "app.mjs",
      bind: "127.0.0.1:0",
      workers: 1,
      linger: "100ms",
      accessLogfile: file,
      accessLogformat: format,
    });
  const project = await tempProject({ "app.mjs": APP, "tsgate.config.json": config("a.log", "a %(r)s") });
  const server = startTsgate([], { cwd: project.dir });
  await server.waitForReady(1);
  const target = await server.target();
  await requestOnce(target, { path: "/1" });
  await project.write("tsgate.config.json", config("none/b.log", "b %(r)s"));
  server.signal("SIGHUP");
  const { error } = await server.waitForRecord("reload failed");
  expect(error).toMatch(
    /^accessLogfile in .*tsgate\.config\.json: cannot write to .*none\/b\.log: the directory .* does not exist$/,
  );
  await requestOnce(target, { path: "/2" });
  await project.write("tsgate.config.json", config("b.log", "b %(r)s"));
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  await requestOnce(target, { path: "/3" });
  expect((await server.stop()).code).toBe(0);
  expect(linesIn(project, "a.log")).toEqual(["a GET /1 HTTP/1.1", "a GET /2 HTTP/1.1"]);
  expect(linesIn(project, "b.log")).toEqual(["b GET /3 HTTP/1.1"]);
});

interface Line {
  readonly path: string;
  readonly query: string;
  readonly status: number;
  readonly bytes: number;
  readonly cut?: true;
}

interface StartOptions {
  readonly app?: string;
  readonly args?: readonly string[];
  readonly logfile?: string;
  readonly project?: TempProject;
}

/** One worker, unless the arguments say otherwise, that writes `access.log`; resolves when all are ready. */
async function start({ app = APP, args = [], logfile = "access.log", project }: StartOptions = {}): Promise<{
  server: Tsgate;
  project: TempProject;
}> {
  const folder = project ?? (await tempProject({ "app.mjs": app }));
  const workers = args.includes("--workers") ? [] : ["--workers", "1"];
  const own = ["--bind", "127.0.0.1:0", "--linger", "100ms", "--access-logfile", logfile];
  const server = startTsgate([...own, ...workers, ...args, "app.mjs"], { cwd: folder.dir });
  await server.waitForReady(Number(args[args.indexOf("--workers") + 1] ?? 1) || 1);
  return { server, project: folder };
}

function linesIn(project: TempProject, file = "access.log"): string[] {
  const text = existsSync(project.path(file)) ? readFileSync(project.path(file), "utf8") : "";
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text.split("\n").slice(0, -1);
}

function numberIn(line: string): number {
  return Number(/\?(\d+) /.exec(line)?.[1]);
}

async function fetchWith(server: Tsgate, path: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(`${await server.url()}${path}`, { headers });
  await response.arrayBuffer();
  return response;
}

/** Asks for `/?1`, `/?2` … over kept connections, none twice, and remembers which were answered. */
class Clients {
  asked = 0;
  readonly answered: number[] = [];
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #loops: Promise<void>[];
  #isStopping = false;

  constructor(url: string) {
    this.#url = url;
    onTestFinished(() => this.#agent.destroy());
    this.#loops = Array.from({ length: 8 }, async () => this.#loop());
  }

  async until(count: number): Promise<void> {
    await expect.poll(() => this.answered.length, soon).toBeGreaterThanOrEqual(count);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#loops);
  }

  async #loop(): Promise<void> {
    while (!this.#isStopping) {
      const number = ++this.asked;
      if (await this.#ask(number)) this.answered.push(number);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #ask(number: number): Promise<boolean> {
    return new Promise((resolve) => {
      const request = http.get(`${this.#url}/?${number}`, { agent: this.#agent }, (response) => {
        response.resume().once("end", () => resolve(response.complete));
        response.once("error", () => resolve(false));
      });
      request.once("error", () => resolve(false));
    });
  }
}
