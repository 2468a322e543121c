/** SIGTERM on the shipped binary: what was accepted is answered, in bounded time, whatever the clients do. */

import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import type { Exchange } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const STOPPED = { code: 0, signal: null };

describe("a stop answers", () => {
  test("the requests in flight, and says that it closes their connections", async () => {
    const server = await startServer();
    const clients = await connectSeveral(server, 4);
    for (const client of clients) client.get("/hold");
    await releaseWhileDraining(server);
    for (const client of clients) {
      await client.ended();
      expect(client).toMatchObject({ end: "fin", statuses: [200] });
      expect(client.text).toMatch(/\r\nconnection: close\r\n.*\r\n\r\none$/is);
    }
    expect(await server.exited).toEqual(STOPPED);
  });

  test("one more request on a connection that was idle", async () => {
    const server = await startServer(["--linger", "10s"]);
    const client = await connectIdle(server);
    await stopAndSeeItDrain(server);
    await aMoment(300);
    client.get("/");
    await client.ended();
    expect(client).toMatchObject({ end: "fin", statuses: [200, 200] });
    expect(client.text.match(/^connection: .*$/gim)).toEqual(["Connection: keep-alive", "Connection: close"]);
    expect(await server.exited).toEqual(STOPPED);
  });

  test("all the requests that an idle connection sends in one piece", async () => {
    const server = await startServer(["--linger", "10s"]);
    const client = await connectIdle(server);
    await stopAndSeeItDrain(server);
    await aMoment(300);
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3));
    await client.ended();
    expect(client).toMatchObject({ end: "fin", statuses: [200, 200, 200, 200] });
    expect(await server.exited).toEqual(STOPPED);
  });

  test("with the rest of a reply that has begun", async () => {
    const server = await startServer();
    const client = await connectRaw(await server.target());
    client.get("/stream?600");
    await client.received(/begun/);
    server.signal("SIGTERM");
    await client.ended();
    expect(client.end).toBe("fin");
    expect(client.text).toMatch(/ one\r\n0\r\n\r\n$/);
    expect(await server.exited).toEqual(STOPPED);
  });

  test("an upload that arrives slowly", async () => {
    const server = await startServer();
    const client = await connectRaw(await server.target());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n0123456789");
    server.signal("SIGTERM");
    await server.waitForRecord("worker draining");
    client.send("0123456789");
    await aMoment(400);
    client.send("0123456789");
    await client.ended();
    expect(client.text).toMatch(/\r\n\r\none 30$/);
    expect(await server.exited).toEqual(STOPPED);
  });

  test("a client that reads slowly", async () => {
    const bytes = 20_000_000;
    const server = await startServer();
    const client = await connectRaw(await server.target());
    client.get(`/big?${bytes}`);
    await client.received(/\r\n\r\nx/);
    client.socket.pause();
    server.signal("SIGTERM");
    await server.waitForRecord("worker draining");
    await aMoment(400);
    expect(client.text.length).toBeLessThan(bytes);
    client.socket.resume();
    await client.ended();
    expect(client.text.length - client.text.indexOf("\r\n\r\n") - 4).toBe(bytes);
    expect(await server.exited).toEqual(STOPPED);
  });

  test("pipelined requests, all of them and in order", async () => {
    const server = await startServer();
    const client = await connectIdle(server);
    for (const path of ["/", "/hold", "/", "/hold"]) client.get(path);
    await releaseWhileDraining(server);
    await client.ended();
    expect(client).toMatchObject({ end: "fin", statuses: [200, 200, 200, 200, 200] });
    expect(client.text.match(/^connection: close$/gim)).toHaveLength(1);
    expect(client.text).toMatch(/connection: close\r\ncontent-length: 3\r\n\r\none$/i);
    expect(await server.exited).toEqual(STOPPED);
  });

  test("the connections that wait in the accept queue of a busy worker", async () => {
    const server = await startServer();
    const busy = await connectIdle(server);
    busy.get("/block?300");
    const waiting = await connectSeveral(server, 40);
    for (const client of waiting) client.get("/block?5");
    server.signal("SIGTERM");
    await Promise.all(waiting.map((client) => client.ended()));
    expect(waiting.map(({ end, statuses }) => ({ end, statuses }))).toEqual(
      waiting.map(() => ({ end: "fin", statuses: [200] })),
    );
    expect(await server.exited).toEqual(STOPPED);
  });

  test("500 requests in flight and 200 connections in the accept queue", async () => {
    const server = await startServer(["--workers", "2"]);
    await server.waitForReady(2);
    const inFlight = await connectSeveral(server, 500);
    for (const client of inFlight) client.get("/slow?2000");
    const [first] = inFlight;
    // Both workers are kept from accepting until the signal has come.
    const pids = server.workerPids();
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    const queued = await connectSeveral(server, 200);
    for (const client of queued) client.get("/block?1");
    server.signal("SIGTERM");
    await server.waitForRecord("worker draining", { nth: 2 });
    for (const pid of pids) process.kill(pid, "SIGCONT");
    const all = [...inFlight, ...queued];
    await Promise.all(all.map((client) => client.ended()));
    expect(all.filter(({ end, statuses }) => end === "fin" && statuses.join() === "200")).toHaveLength(700);
    expect(first?.text).toMatch(/connection: close/i);
    expect(await server.exited).toEqual(STOPPED);
  });

  test("all that came before, and refuses all that comes after", async () => {
    const server = await startServer(["--workers", "2"]);
    await server.waitForReady(2);
    const target = await server.target();
    const asked: Promise<Exchange>[] = [];
    for (let count = 1; count <= 41; count++) {
      // What is asked together with the signal may come after it.
      if (count === 11) server.signal("SIGTERM");
      asked.push(requestOnce(target, { path: "/slow?100" }));
      await aMoment(25);
    }
    const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
    const firstRefused = outcomes.indexOf("refused");
    expect(firstRefused).toBeGreaterThanOrEqual(10);
    expect(outcomes).toEqual(outcomes.map((_, index) => (index < firstRefused ? "ok" : "refused")));
    expect(await server.exited).toEqual(STOPPED);
  });

  test("new connections too, for as long as --shutdown-delay says", async () => {
    const server = await startServer(["--shutdown-delay", "4s"]);
    const idle = await connectIdle(server);
    server.signal("SIGTERM");
    await server.waitForRecord("server stopping");
    expect(await requestOnce(await server.target())).toMatchObject({ outcome: "ok" });
    idle.get("/");
    await idle.received(/one.*one$/s);
    expect(idle.text).not.toMatch(/connection: close/i);
    expect(server.log.all("worker draining")).toEqual([]);
    expect(await server.exited).toEqual(STOPPED);
  });
});

describe("a stop is not held up", () => {
  test("beyond --linger by a client that says nothing or is idle", async () => {
    const server = await startServer();
    const silent = await connectRaw(await server.target());
    const idle = await connectIdle(server);
    server.signal("SIGTERM");
    expect(await server.exited).toEqual(STOPPED);
    expect([(await silent.ended()).end, (await idle.ended()).end]).toEqual(["fin", "fin"]);
    expect(server.log.all("drain deadline passed")).toEqual([]);
    expect(tookToStop(server)).toBeLessThan(20_000);
  });

  test("beyond --graceful-timeout by half a head, a reply that never comes, or an endless loop", async () => {
    const server = await startServer(["--graceful-timeout", "1s", "--workers", "2", "--timeout", "0"]);
    await server.waitForReady(2);
    const half = await connectRaw(await server.target());
    half.send("GET / HTTP/1.1\r\nHost: lo");
    const slow = await connectRaw(await server.target());
    slow.get("/slow?60000");
    const hanging = await connectRaw(await server.target());
    hanging.get("/hang");
    server.signal("SIGTERM");
    expect(await server.exited).toEqual(STOPPED);
    for (const client of [half, slow, hanging]) expect((await client.ended()).text).toBe("");
    expect(server.log.all({ msg: "worker killed", cause: "drain timeout" })).toHaveLength(1);
    expect(tookToStop(server)).toBeGreaterThan(900);
    expect(tookToStop(server)).toBeLessThan(20_000);
  });

  test("beyond --graceful-timeout by an upgraded connection, which is served until then", async () => {
    const upgrade = `export const upgrade = (request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n");
      socket.pipe(socket);
    };\n`;
    const server = await startServer(["--graceful-timeout", "1500ms"], upgrade);
    const client = await connectRaw(await server.target());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    await client.received(/ 101 /);
    server.signal("SIGTERM");
    await server.waitForRecord("worker draining");
    await aMoment(500);
    client.send("still there?");
    await client.received(/still there\?$/);
    await client.ended();
    expect(await server.exited).toEqual(STOPPED);
    expect(server.log.all("drain deadline passed")).toMatchObject([{ connections: 1 }]);
    expect(tookToStop(server)).toBeGreaterThan(1400);
    expect(tookToStop(server)).toBeLessThan(20_000);
  });
});

/** One worker unless `args` say otherwise; connections linger for half a second. */
async function startServer(args: readonly string[] = [], more = ""): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": application("node", "one", more) });
  const own = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "500ms"];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  return server;
}

async function connectSeveral(server: Tsgate, count: number): Promise<RawClient[]> {
  const target = await server.target();
  return Promise.all(Array.from({ length: count }, () => connectRaw(target)));
}

/** A connection on which one request has been answered. */
async function connectIdle(server: Tsgate): Promise<RawClient> {
  const client = await connectRaw(await server.target());
  client.get("/");
  await client.received(/\r\n\r\none$/);
  return client;
}

/** Sends TERM; when the one worker drains, lets it answer what was asked of /hold. */
async function releaseWhileDraining(server: Tsgate): Promise<void> {
  const releasing = await connectIdle(server);
  await stopAndSeeItDrain(server);
  releasing.get("/release");
}

/** Sends TERM; resolves when a reply of the one worker says that its connection closes. */
async function stopAndSeeItDrain(server: Tsgate): Promise<void> {
  const asking = await connectIdle(server);
  server.signal("SIGTERM");
  while (!/connection: close/i.test(asking.text)) {
    const replies = asking.statuses.length + 1;
    asking.get("/");
    await asking.received(new RegExp(`^(?:[^]*?HTTP/1.1 200 ){${replies}}[^]*one$`));
  }
}

/** Milliseconds from the beginning of the stop to its end, as the log tells. */
function tookToStop(server: Tsgate): number {
  const [begun, ended] = ["server stopping", "server stopped"].map((msg) => server.log.all(msg)[0]?.time ?? Number.NaN);
  return (ended ?? Number.NaN) - (begun ?? Number.NaN);
}

/** The client's own slowness, which is what is tested; nothing is waited for with it. */
async function aMoment(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
