/** An idle connection of a worker that leaves moves to one that stays: its client notices nothing. */

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import type { ApplicationKind } from "../support/applications.ts";
import { openThings } from "../support/descriptors.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { LINGER_MS, reload, startServer } from "../support/reloading.ts";
import type { Target } from "../support/traffic.ts";
import type { Tsgate } from "../support/tsgate.ts";

/** It says who serves, and whom. */
const TELLING = `export default (request, response) => {
  const { remoteAddress, remotePort } = request.socket;
  response.end(\`<\${process.pid} \${remoteAddress} \${remotePort}>\`);
};`;

/** It wants to see each connection from its beginning. */
const LISTENING = `import http from "node:http";
const server = http.createServer((request, response) => response.end("<>"));
server.on("connection", (socket) => (socket.greeted = true));
server.listen(3000);`;

describe("a reload closes no idle connection", () => {
  test.each<[kind: ApplicationKind, bind: string]>([
    ["node", "127.0.0.1:0"],
    ["node", "unix:app.sock"],
    ["gateway", "127.0.0.1:0"],
    ["server", "127.0.0.1:0"],
  ])("of kind %s on %s", async (kind, bind) => {
    const { server } = await startServer(application(kind, "one"), ["--bind", bind]);
    const clients = await open(await server.target(), 40);
    // Half of them have been used, half have not.
    await Promise.all(clients.slice(20).map((client) => answered(client)));
    await reload(server, 2);
    await Promise.all(clients.slice(0, 20).map((client) => answered(client)));
    await Promise.all(clients.slice(20).map((client) => answered(client)));
    expect(clients.map(({ end }) => end)).toEqual(clients.map(() => undefined));
    expect(clients.every(({ text }) => !/^connection: close/im.test(text))).toBe(true);
  });

  test("nor do three in a row", async () => {
    const { server } = await startServer(TELLING);
    const clients = await open(await server.target(), 60);
    for (let generation = 2; generation <= 4; generation++) await reload(server, generation);
    const pids = await Promise.all(clients.map(async (client) => (await servedBy(client)).pid));
    // Where one of the two has been late, the other has them all, until they are evened out.
    const workers = server.workerPids();
    expect(pids.filter((pid) => !workers.includes(pid))).toEqual([]);
  });

  test("nor is a request lost that comes while they move", async () => {
    const { server } = await startServer(TELLING);
    const clients = await open(await server.target(), 300);
    const isDone = reload(server, 2);
    const asked = clients.map(async (client) => {
      // Most are idle when their worker's lingering is over, and speak in the time in which they are moved.
      await sleep(LINGER_MS + Math.random() * 4 * LINGER_MS);
      return servedBy(client);
    });
    expect((await Promise.all(asked)).length).toBe(300);
    await isDone;
  });
});

describe("a connection that moved", () => {
  test("comes from the same client as before, and is kept for --keep-alive, whatever --headers-timeout says", async () => {
    const timeouts = ["--keep-alive", "2s", "--headers-timeout", "300ms", "--linger", "100ms"];
    const { server } = await startServer(TELLING, timeouts);
    const { stays, moving } = await openOnBoth(server);
    const [client, other] = moving as [RawClient, RawClient];
    const before = await servedBy(client);
    server.signal("SIGTTOU");
    await server.waitForRecord("worker gone");
    await sleep(600);
    expect(await servedBy(client)).toEqual({ ...before, pid: stays });
    await Promise.all([client, other].map((one) => one.ended()));
    expect([client, other].map(({ end, statuses }) => [end, ...statuses])).toEqual([
      ["fin", 200, 200, 200],
      ["fin", 200],
    ]);
  });

  test("is held to --headers-timeout as soon as a request has begun", async () => {
    const { server } = await startServer(TELLING, ["--headers-timeout", "300ms", "--linger", "100ms"]);
    const [client] = (await openOnBoth(server)).moving as [RawClient];
    server.signal("SIGTTOU");
    await server.waitForRecord("worker gone");
    client.send("GET / HT");
    await client.ended();
    expect(client.statuses).toEqual([200, 408]);
  });
});

describe("idle connections move as well", () => {
  test("when there are to be fewer workers", async () => {
    const { server } = await startServer(TELLING, ["--workers", "3"]);
    const clients = await open(await server.target(), 30);
    const from = server.log.length;
    server.signal("SIGTTOU");
    await server.waitForRecord("worker gone", { from });
    await Promise.all(clients.map((client) => servedBy(client)));
  });

  test("when a worker has served enough", async () => {
    const { server } = await startServer(TELLING, ["--max-requests", "30"]);
    const clients = await open(await server.target(), 30);
    const [one, ...others] = clients;
    if (one === undefined) throw new Error("no client");
    const { pid } = await servedBy(one);
    for (let count = 1; count < 30; count++) await servedBy(one);
    await server.waitForRecord({ msg: "worker gone", pid });
    await Promise.all(others.map((client) => servedBy(client)));
  });
});

test("a connection stays where the first bytes of its next request are", async () => {
  const slow = TELLING.replace("response.end", "setTimeout(() => response.end").replace("`);", "`), 300);");
  const { server } = await startServer(slow, ["--linger", "100ms"]);
  const [client] = (await open(await server.target(), 1)) as [RawClient];
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /next HT");
  await client.received(/>/);
  const from = server.log.length;
  server.signal("SIGHUP");
  await server.waitForRecord("worker draining", { from });
  await sleep(500);
  client.send("TP/1.1\r\nHost: x\r\n\r\n");
  await client.received(/>[^]*>/);
  expect(client.statuses).toEqual([200, 200]);
});

describe("what cannot move stays, and is closed after --linger", () => {
  test("connections that the application listens to itself", async () => {
    const { server } = await startServer(LISTENING, ["--linger", "100ms"]);
    const clients = await open(await server.target(), 10);
    await reload(server, 2);
    await Promise.all(clients.map((client) => client.ended()));
    expect(clients.map(({ end }) => end)).toEqual(clients.map(() => "fin"));
  });

  test("connections for which the new code has no plain server", async () => {
    const { server, project } = await startServer(TELLING, ["--linger", "100ms"]);
    const clients = await open(await server.target(), 10);
    await project.write("app.mjs", LISTENING);
    await reload(server, 2);
    await Promise.all(clients.map((client) => client.ended()));
    expect(clients.map(({ end }) => end)).toEqual(clients.map(() => "fin"));
  });

  test("connections of a server that stops", async () => {
    const { server } = await startServer(TELLING, ["--linger", "100ms"]);
    const clients = await open(await server.target(), 10);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await Promise.all(clients.map((client) => client.ended()));
    expect(clients.map(({ end }) => end)).toEqual(clients.map(() => "fin"));
  });

  test("connections for which nobody has room", async () => {
    const { server } = await startServer(TELLING, ["--linger", "100ms", "--worker-connections", "6"]);
    const clients = await open(await server.target(), 12);
    const pids = await Promise.all(clients.map(async (client) => (await servedBy(client)).pid));
    server.signal("SIGTTOU");
    const { pid } = await server.waitForRecord("worker gone");
    const left = clients.filter((_client, index) => pids[index] === pid);
    await Promise.all(left.map((client) => client.ended()));
    expect(left.map(({ end }) => end)).toEqual(Array(6).fill("fin"));
    await Promise.all(clients.filter((client) => !left.includes(client)).map((client) => servedBy(client)));
  });
});

test("a worker that dies while connections are on their way to it takes none along", async () => {
  const { server } = await startServer(TELLING, ["--linger", "100ms"]);
  const { stays, moving } = await openOnBoth(server);
  process.kill(stays, "SIGSTOP");
  server.signal("SIGTTOU");
  // The last worker to have come leaves, and offers its connections to one that stands still.
  await server.waitForRecord("worker draining");
  await sleep(400);
  for (const client of moving) client.get("/");
  process.kill(stays, "SIGKILL");
  await Promise.all(moving.map((client) => client.received(/<[^>]*>[^]*<[^>]*>/)));
});

test("a worker that stands still while connections are on their way to it keeps none", async () => {
  const { server } = await startServer(TELLING, ["--linger", "100ms", "--timeout", "60s"]);
  const { stays, leaves, staying, moving } = await openOnBoth(server);
  const before = openThings(stays);
  process.kill(stays, "SIGSTOP");
  try {
    server.signal("SIGTTOU");
    await server.waitForRecord("worker draining");
    await sleep(400);
    // The one that leaves answers, while the other still stands.
    expect(new Set((await Promise.all(moving.map((client) => servedBy(client)))).map(({ pid }) => pid))).toEqual(
      new Set([leaves]),
    );
  } finally {
    process.kill(stays, "SIGCONT");
  }
  await server.waitForRecord("worker gone");
  await expect.poll(() => openThings(stays)).toEqual(before);
  await Promise.all(staying.map((client) => servedBy(client)));
});

test("no descriptor stays behind in the master", async () => {
  const { server } = await startServer(TELLING, ["--linger", "100ms"]);
  const before = openThings(server.pid);
  await open(await server.target(), 100);
  for (let generation = 2; generation <= 3; generation++) await reload(server, generation);
  await expect.poll(() => openThings(server.pid).length).toBe(before.length);
});

async function open(target: Target, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let index = 0; index < count; index++) clients.push(await connectRaw(target));
  return clients;
}

/** Connections of two workers, at least three each, of which the first to have come stays and the other is the first to leave. */
async function openOnBoth(
  server: Tsgate,
): Promise<{ stays: number; leaves: number; staying: RawClient[]; moving: RawClient[] }> {
  const [stays, leaves] = server.workerPids();
  if (stays === undefined || leaves === undefined) throw new Error("no workers");
  const target = await server.target();
  const ofPid = new Map<number, RawClient[]>([
    [stays, []],
    [leaves, []],
  ]);
  const of = (pid: number): RawClient[] => ofPid.get(pid) ?? [];
  for (let count = 0; count < 20 || of(stays).length < 3 || of(leaves).length < 3; count++) {
    const client = await connectRaw(target);
    of((await servedBy(client)).pid).push(client);
  }
  return { stays, leaves, staying: of(stays), moving: of(leaves) };
}

/** Asks, and waits for the beginning of the reply. */
async function answered(client: RawClient): Promise<void> {
  const before = client.text.length;
  client.get("/");
  await client.received(new RegExp(`^[^]{${before}}HTTP/1\\.1 200 `));
}

async function servedBy(client: RawClient): Promise<{ pid: number; address: string; port: number }> {
  const before = client.text.length;
  client.get("/");
  await client.received(new RegExp(`^[^]{${before}}[^]*>`));
  const [, pid, address = "", port] = /<(\d+) (\S*) (\S*)>/.exec(client.text.slice(before)) ?? [];
  return { pid: Number(pid), address, port: Number(port) };
}
