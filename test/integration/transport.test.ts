/**
 * One application behind both transports: what clients, operators and logs are told is the same. What belongs to one kind of
 * application, or to `node:http` alone, has tests of its own.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ADMIN, untilMetrics } from "../support/admin.ts";
import { headerLine } from "../support/proxy-headers.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { LINGER_MS, reload } from "../support/reloading.ts";
import { type TempProject, tempProject } from "../support/temp-project.ts";
import { runTsgate, startTsgate, type Tsgate } from "../support/tsgate.ts";

/** What it does is in the path; it says who serves whom. */
const GATEWAY = `
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
export async function application(environ, startResponse) {
  const path = environ.PATH_INFO;
  environ["app.note"] = "noted";
  if (path === "/throws") throw new Error("on purpose");
  if (path === "/wait") while (!existsSync("go")) await sleep(20);
  if (path === "/never") await new Promise(() => {});
  if (path === "/spin") for (;;);
  const length = (await environ["gateway.input"].read()).length;
  startResponse(path === "/teapot" ? 418 : 200, [["X-Note", "seen"]]);
  if (path === "/heavy") return ["x".repeat(16_000_000)];
  if (path === "/large") return (function* () { for (let i = 0; i < 256; i++) yield "x".repeat(65536); })();
  const { REMOTE_ADDR: client, REMOTE_PORT: port, SCRIPT_NAME: prefix, HTTP_X_REQUEST_ID: id } = environ;
  return [\`<\${process.pid} \${client}:\${port} \${prefix}|\${path} \${length} \${id}>\`];
}`;

const TRANSPORTS = ["engine", "node"] as const;
const POST = "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n";

async function start(
  transport: string,
  args: readonly string[] = [],
): Promise<{ server: Tsgate; project: TempProject; connect: () => Promise<RawClient> }> {
  const project = await tempProject({ "app.mjs": GATEWAY });
  const format = args.includes("--access-logformat") ? [] : ["--access-logformat", FORMAT];
  const logged = ["--access-logfile", "access.log", ...format];
  const workers = args.includes("--workers") ? [] : ["--workers", "2"];
  const usual = [
    "--transport",
    transport,
    "--bind",
    "127.0.0.1:0",
    "--linger",
    `${LINGER_MS}ms`,
    ...workers,
    ...logged,
  ];
  const server = startTsgate([...usual, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(workers.length === 0 ? 1 : 2);
  const target = await server.target();
  return { server, project, connect: () => connectRaw(target) };
}

const FORMAT = "%(r)s %(s)s %(B)s %({x-note}o)s %({app.note}e)s %({x-request-id}i)s";

const linesOf = (project: TempProject): string[] =>
  readFileSync(project.path("access.log"), "utf8")
    .trim()
    .split("\n")
    // How long what was sent was differs, and an id that the server has given.
    .map((line) => line.replace(/ (\d{3}) [1-9]\d* /, " $1 N ").replace(/\S+-\w+$/, "ID"))
    .toSorted();

const pidIn = ({ text }: RawClient): string | undefined => [...text.matchAll(/<(\d+) /g)].at(-1)?.[1];

describe.each(TRANSPORTS)("over %s", (transport) => {
  test("is said in the log, and every request has its line, whatever became of it", async () => {
    const { server, project, connect } = await start(transport, ["--headers-timeout", "400ms"]);
    const name = transport === "engine" ? "engine" : "node:http";
    expect(await server.waitForRecord("application found")).toMatchObject({ transport: name });
    expect(await server.waitForRecord("listening")).toMatchObject({ transport: name });
    const client = await connect();
    client.send(`${POST}hello`);
    client.get("/teapot?a=1");
    client.get("/throws");
    await client.received(/ 500 [^]*Internal Server Error\n/);
    expect(client.statuses).toEqual([200, 418, 500]);
    const [broken, gone, slow] = [await connect(), await connect(), await connect()];
    broken.send("GET /broken HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n");
    slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n");
    gone.get("/never");
    await Promise.all([broken.ended(), slow.ended()]);
    gone.socket.destroy();
    expect([broken.statuses, slow.statuses]).toEqual([[400], [408]]);
    await expect.poll(() => linesOf(project), { timeout: 45_000 }).toHaveLength(6);
    expect(linesOf(project)).toEqual(
      [
        // What could not be read the engine answers with a reason, and knows more of.
        transport === "engine" ? "GET /broken HTTP/1.1 400 N - - -" : "GET /broken HTTP/1.1 400 0 - - -",
        transport === "engine" ? "GET /slow HTTP/1.1 408 N - - -" : "- 408 0 - - -",
        "GET /never HTTP/1.1 499 0 - noted ID",
        "GET /teapot?a=1 HTTP/1.1 418 N seen noted ID",
        "GET /throws HTTP/1.1 500 N - noted ID",
        "POST /upload HTTP/1.1 200 N seen noted ID",
      ].toSorted(),
    );
    expect(await server.waitForRecord("application error")).toMatchObject({ method: "GET", path: "/throws" });
    expect(await server.waitForRecord("connections cut")).toMatchObject({ timeout: "headers-timeout", count: 1 });
  });

  test("requests are counted, named and limited", async () => {
    const args = [...ADMIN, "--limit-concurrency", "1", "--limit-request-body", "10", "--workers", "1"];
    const { server, connect, project } = await start(transport, args);
    const [waiting, client, large] = [await connect(), await connect(), await connect()];
    waiting.send("GET /wait HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
    await untilMetrics(server, (value) => value("tsgate_requests_in_flight") === 1);
    client.get("/too-many");
    await client.received(/ 503 [^]*Retry-After: 1\r\n/);
    waiting.socket.destroy();
    await untilMetrics(server, (value) => value("tsgate_requests_in_flight") === 0);
    client.get("/then");
    await client.received(/ 200 [^]*X-Request-Id: (\S+)\r\n[^]* \1>$/i);
    large.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    expect((await large.ended()).statuses).toEqual([413]);
    await untilMetrics(
      server,
      (value) =>
        value('tsgate_requests_total{mount="/",status="2xx"}') === 1 &&
        value('tsgate_requests_total{mount="/",status="4xx"}') === 1 &&
        value('tsgate_requests_total{mount="/",status="5xx"}') === 1 &&
        value('tsgate_requests_total{mount="/",status="none"}') === 1,
    );
    expect(linesOf(project)).toContain("GET /wait HTTP/1.1 499 0 - noted mine");
    await server.waitForRecord({ msg: "requests refused", limitConcurrency: 1 });
    await server.waitForRecord({ msg: "requests refused", reason: "body too large" });
  });

  test("a reload answers what is in flight, and what was piped behind it, and closes no idle connection", async () => {
    const { server, project, connect } = await start(transport);
    const idle = await Promise.all(Array.from({ length: 30 }, connect));
    for (const client of idle.slice(10)) client.get("/");
    await Promise.all(idle.slice(10).map((client) => client.received(/>$/)));
    const [busy, large] = [await connect(), await connect()];
    busy.get("/wait");
    busy.send(`${POST}he`);
    large.get("/large");
    await large.received(/x/);
    large.socket.pause();
    server.signal("SIGHUP");
    await server.waitForRecord("worker draining");
    busy.send("llo");
    await project.write("go", "");
    large.socket.resume();
    await Promise.all([busy.received(/\/upload 5 /), large.received(/\r\n0\r\n\r\n$/)]);
    await server.waitForRecord("reload done");
    expect(idle.map(({ end }) => end).filter((end) => end !== undefined)).toEqual([]);
    for (const client of idle) client.get("/after");
    await Promise.all(idle.map((client) => client.received(/\/after 0 [^>]*>$/)));
    expect(idle.every((client) => server.workerPids().includes(Number(pidIn(client))))).toBe(true);
  });

  test("a proxy's client stays who it is, also with another worker", async () => {
    const { server, connect } = await start(transport, ["--proxy-protocol", "v1"]);
    const client = await connect();
    const header = headerLine({ address: "192.0.2.7", port: 4711 });
    client.send(header + "GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.received(/ 192\.0\.2\.7:4711 \|\/first /);
    await reload(server, 2);
    client.get("/second");
    await client.received(/ 192\.0\.2\.7:4711 \|\/second /);
    expect(server.workerPids()).toContain(Number(pidIn(client)));
  });

  test("what a hung worker was at is told", async () => {
    const { server, connect } = await start(transport, ["--timeout", "2s", "--workers", "1"]);
    const client = await connect();
    client.get("/spin?secret=1");
    const { requests } = await server.waitForRecord("worker hung");
    expect(requests).toMatchObject([{ method: "GET", path: "/spin" }]);
  });
});

// Node counts as finished what it has given up behind a write that failed.
test("over the engine a reply has ended when its client's side has taken it, and is cut when that never does", async () => {
  const { connect, project } = await start("engine", ["--access-logformat", "json"]);
  const [whole, cut] = [await connect(), await connect()];
  for (const client of [whole, cut]) {
    client.get("/heavy");
    await client.received(/x/);
    client.socket.pause();
  }
  cut.socket.destroy();
  const entries = (): unknown[] =>
    readFileSync(project.path("access.log"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown);
  await expect.poll(entries, { timeout: 45_000 }).toMatchObject([{ path: "/heavy", status: 200, cut: true }]);
  whole.socket.resume();
  await expect.poll(entries, { timeout: 45_000 }).toHaveLength(2);
  expect(entries()[1]).not.toHaveProperty("cut");
  expect(entries()[1]).toMatchObject({ bytes: 16_000_000 });
});

test("an application that the engine cannot serve is refused where it is asked for", async () => {
  const project = await tempProject({ "app.mjs": "export default (request, response) => response.end();\n" });
  const exit = await runTsgate(["--transport", "engine", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  expect(exit.code).toBe(2);
  expect(exit.stderr.split("\n").at(-2)).toBe(
    "tsgate: transport engine cannot serve app.mjs: the application takes Node's own request and response; leave it out, or say node",
  );
});
