/** More requests than a worker can serve, on the shipped command: its memory is bounded, what is too much is refused, and it recovers. */

import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { residentBytes, startFlood } from "../support/flood.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const MOST_MEMORY = 100_000_000;
/** `/hold` is answered when `/release` has been asked for, anything else at once; each call is told on the standard output. */
const HELD = `
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const answer = async (path) => {
    console.log("called " + path);
    if (path === "/release") release();
    if (path === "/hold") await released;
    return "answered";
  };`;
const LISTENER = `${HELD}\nconst listener = async (request, response) => response.end(await answer(request.url));\n`;
const KINDS = [
  ["node", `${LISTENER}\nexport default listener;\n`],
  [
    "gateway",
    `${HELD}\nexport const application = async (environ, startResponse) => {
      const body = await answer(environ.PATH_INFO);
      startResponse(200, []);
      return [body];
    };\n`,
  ],
  [
    "fetch",
    `${HELD}\nexport default { fetch: async ({ url }) => new Response(await answer(new URL(url).pathname)) };\n`,
  ],
  ["server", `import http from "node:http";\n${LISTENER}\nhttp.createServer(listener).listen(3000);\n`],
] as const;

async function start(code: string, args: readonly string[]): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  const own = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "200ms"];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  return server;
}

async function connectSeveral(server: Tsgate, count: number): Promise<RawClient[]> {
  const target = await server.target();
  return Promise.all(Array.from({ length: count }, () => connectRaw(target)));
}

describe.each(KINDS)("at the limit of concurrency, for an application of kind %s,", (_, code) => {
  test("a request is refused unseen, on a connection that goes on, until there is room", async () => {
    const server = await start(code, ["--limit-concurrency", "3"]);
    const holders = await connectSeveral(server, 3);
    for (const holder of holders) holder.get("/hold");
    await server.waitForOutput(/(?:called \/hold\n){3}/);
    const [refused] = await connectSeveral(server, 1);
    refused?.get("/refused");
    await refused?.received(/ 503 [^]*\r\n\r\n.+\n$/);
    expect(refused?.text).toMatch(/^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
    expect(refused?.end).toBeUndefined();
    // One client that gives up makes room.
    holders[2]?.socket.destroy();
    await expect.poll(async () => (await requestOnce(await server.target())).outcome).toBe("ok");
    refused?.get("/release");
    await refused?.received(/answered$/);
    await Promise.all(holders.slice(0, 2).map((holder) => holder.received(/answered$/)));
    expect(server.stdout).not.toContain("called /refused");
    expect(await server.waitForRecord("requests refused")).toMatchObject({ level: 40, limitConcurrency: 3 });
  });

  test("an upload that waits to be told to go on counts once", async () => {
    const server = await start(code, ["--limit-concurrency", "1"]);
    const [client, other] = await connectSeveral(server, 2);
    client?.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    await client?.received(/answered$/);
    expect(client?.statuses).not.toContain(503);
    other?.get("/");
    await other?.received(/answered$/);
    expect(server.log.all("requests refused")).toEqual([]);
  });
});

describe("at the limit of concurrency", () => {
  const [[, NODE]] = KINDS;

  test("an upload is refused before it has come, and the connection is closed", async () => {
    const server = await start(NODE, ["--limit-concurrency", "1"]);
    const [holder, client] = await connectSeveral(server, 2);
    holder?.get("/hold");
    await server.waitForOutput(/called \/hold/);
    client?.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n${"x".repeat(5e6)}`);
    await client?.ended();
    expect(client).toMatchObject({ end: "fin", statuses: [503] });
  });

  test("those who wait in line on a connection that is gone leave their places", async () => {
    const server = await start(NODE, ["--limit-concurrency", "4"]);
    const [line] = await connectSeveral(server, 1);
    for (let count = 0; count < 4; count++) line?.get("/hold");
    await server.waitForOutput(/(?:called \/hold\n){4}/);
    expect(await requestOnce(await server.target())).toMatchObject({ outcome: "badStatus" });
    line?.socket.destroy();
    await expect.poll(async () => (await requestOnce(await server.target())).outcome).toBe("ok");
    const [again] = await connectSeveral(server, 1);
    for (let count = 0; count < 4; count++) again?.get("/hold");
    await server.waitForOutput(/(?:called \/hold\n[^]*){8}/);
  });
});

/** On either transport: one that answers `/never` never, and others with their path, late or at once. */
const TRANSPORTS = [
  [
    "node:http",
    "node",
    `export default (request, response) => {
      const answer = () => response.end(request.url + "\\n");
      if (request.url === "/now") answer();
      else if (request.url !== "/never") setImmediate(answer);
    };`,
  ],
  [
    "the engine",
    "gateway",
    `export const application = (environ, startResponse) => {
      startResponse(200, []);
      const path = environ.PATH_INFO;
      if (path === "/now") return [path + "\\n"];
      return new Promise((resolve) => path === "/never" || setImmediate(resolve, [path + "\\n"]));
    };`,
  ],
] as const;

describe.each(TRANSPORTS)("a flood, over %s,", (_, kind, code) => {
  test("of thousands of connections beyond the limit takes a bounded memory, and is over when it stops", async () => {
    const server = await start(application(kind, "one"), ["--limit-concurrency", "50"]);
    const [worker = 0] = server.workerPids();
    const target = await server.target();
    // It has served, so that what a first request loads and compiles is no part of the difference.
    assertNothingLost(await (await startLightTraffic(target, 200)).stop());
    const quiet = residentBytes(worker);
    const flood = startFlood(target, { connections: 2000, path: "/slow?300" });
    await flood.answered(60_000, 100_000);
    await expect.poll(() => flood.replies.get("200")).toBeGreaterThan(100);
    expect(residentBytes(worker) - quiet).toBeLessThan(MOST_MEMORY);
    expect([...flood.replies.keys()].toSorted()).toEqual(["200", "503"]);
    expect(flood.ended).toBe(0);
    flood.stop();
    const traffic = await startLightTraffic(target, 200);
    assertNothingLost(await traffic.stop());
    expect(server.workerPids()).toEqual([worker]);
    expect(server.log.all("worker gone")).toEqual([]);
  });

  test("of requests in one piece after another, on connections that do not wait, leaves the memory where it was", async () => {
    const server = await start(code, []);
    const [worker = 0] = server.workerPids();
    const quiet = residentBytes(worker);
    const clients = await connectSeveral(server, 4);
    // Without a bound each of these would take two hundred megabytes.
    for (const client of clients) client.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100_000));
    for (let count = 0; count < 20; count++)
      expect(await requestOnce(await server.target())).toMatchObject({ outcome: "ok" });
    expect(residentBytes(worker) - quiet).toBeLessThan(MOST_MEMORY);
    for (const { socket } of clients) socket.destroy();
    expect(await requestOnce(await server.target())).toMatchObject({ outcome: "ok" });
  });

  test("of requests in one piece is answered, all of it and in order", async () => {
    const server = await start(code, []);
    const [client] = await connectSeveral(server, 1);
    const paths = Array.from({ length: 5000 }, (_, index) => `/${index}`);
    for (const path of paths) client?.get(path);
    await client?.received(/\/4999\n$/);
    expect(client?.text.match(/^\/\d+$/gm)).toEqual(paths);
  });

  test("does not make a worker look hung, though no timer of its own fires for long", async () => {
    const server = await start(application(kind, "one"), ["--timeout", "1s"]);
    const [worker = 0] = server.workerPids();
    const connections = 500;
    const clients = await connectSeveral(server, connections);
    const blocked = await connectSeveral(server, 1);
    // All are there when the worker looks: it serves them one after another, four milliseconds each.
    blocked[0]?.get("/block?500");
    for (const client of clients) client.get("/block?4");
    await Promise.all(clients.map((client) => client.received(/one$/)));
    expect(server.workerPids()).toEqual([worker]);
    expect(server.log.all("worker hung")).toEqual([]);
  });
});
