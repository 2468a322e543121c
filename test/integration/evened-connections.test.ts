/** Workers that come later than the clients get their share of the connections, and the clients notice nothing. */

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openThings } from "../support/descriptors.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { reload } from "../support/reloading.ts";
import { tempProject } from "../support/temp-project.ts";
import { type LogRecord, startTsgate, type Tsgate } from "../support/tsgate.ts";

/** They say who serves, and whom. `/login` puts something on the connection. */
const NODE = `export default ({ url, socket }, response) => {
  if (url === "/login") socket.user = "ada";
  response.end(\`<\${process.pid} \${socket.remoteAddress} \${socket.remotePort} \${socket.user}>\`);
};`;
const GATEWAY = `export const application = (environ, startResponse) => {
  const body = \`<\${process.pid} \${environ.REMOTE_ADDR} \${environ.REMOTE_PORT} undefined>\`;
  startResponse(200, [["content-length", String(body.length)]]);
  return [body];
};`;
const PROGRAM = `import http from "node:http";
import application from "./node.mjs";
http.createServer(application).listen(3000);`;
/** It wants to see each connection from its beginning. */
const LISTENING = `import http from "node:http";
import application from "./node.mjs";
const server = http.createServer(application);
server.on("connection", (socket) => (socket.user = "new"));
server.listen(3000);`;

test("connections are evened out between a worker that has all and one that is new, of every kind, and none is closed", async () => {
  await all({
    "node:http over TCP": async () => evenedUnderRequests(NODE, ["--bind", "127.0.0.1:0"]),
    "the engine over TCP": async () => evenedUnderRequests(GATEWAY, ["--bind", "127.0.0.1:0"]),
    "the engine over a unix socket": async () => evenedUnderRequests(GATEWAY, ["--bind", "unix:app.sock"]),
    "a program of its own": async () => evenedUnderRequests(PROGRAM, ["--bind", "127.0.0.1:0"]),
  });
});

test("what is special of a connection goes along, and one for which it cannot stays", async () => {
  await all({
    "introduced by a proxy": introduced,
    "marked by the application": marked,
    "listened to by the application": listenedTo,
    "of a worker that is full": full,
    "on its way to one that dies": dying,
  });
});

/** Half of the clients ask all the time; a reload right after it finds all connections as they should be. */
async function evenedUnderRequests(source: string, args: readonly string[]): Promise<void> {
  const { server, clients } = await startFull(source, 60, args);
  const over = new AbortController();
  const asking = Promise.all(clients.slice(0, 30).map((client, index) => askUntil(over.signal, client, 1 + index)));
  // It may fail before it is waited for.
  asking.catch(() => {});
  const evened = await evenOut(server);
  // Who is busy at the moment stays; a tenth and two are near enough.
  for (const held of evened["held"] as number[]) expect(Math.abs(held - 30)).toBeLessThanOrEqual(5);
  const pids = await Promise.all(clients.slice(30).map(async (client) => (await ask(client)).pid));
  expect(new Set(pids)).toEqual(new Set(server.workerPids()));
  over.abort();
  await asking;
  await reload(server, 2);
  await Promise.all(clients.map((client) => ask(client)));
  expect(clients.map(({ end }) => end)).toEqual(clients.map(() => undefined));
  expect(clients.filter(({ text }) => /^connection: close/im.test(text))).toEqual([]);
  expect(server.log.all("worker hung")).toEqual([]);
}

async function introduced(): Promise<void> {
  const args = ["--bind", "127.0.0.1:0", "--proxy-protocol", "v1"];
  const { server, clients } = await startFull(NODE, 40, args, (client, index) =>
    client.send(`PROXY TCP4 192.0.2.${index + 1} 198.51.100.1 ${4000 + index} 80\r\n`),
  );
  await evenOut(server);
  const replies = await Promise.all(clients.map((client) => ask(client)));
  expect(new Set(replies.map(({ pid }) => pid)).size).toBe(2);
  expect(replies.map(({ address, port }) => [address, port])).toEqual(
    clients.map((_client, index) => [`192.0.2.${index + 1}`, String(4000 + index)]),
  );
}

async function marked(): Promise<void> {
  const { server, clients } = await startFull(NODE, 40, ["--bind", "127.0.0.1:0"]);
  const [first] = await Promise.all(clients.slice(0, 25).map((client) => ask(client, "/login")));
  const from = server.log.length;
  server.signal("SIGTTIN");
  await expect.poll(() => given(server.records.slice(from)), { timeout: 60_000 }).toBe(15);
  const replies = await Promise.all(clients.map((client) => ask(client)));
  expect(replies.slice(0, 25).map(({ pid, user }) => [pid, user])).toEqual(
    clients.slice(0, 25).map(() => [first?.pid, "ada"]),
  );
  expect(replies.slice(25).filter(({ pid }) => pid === first?.pid)).toEqual([]);
}

async function listenedTo(): Promise<void> {
  const { server, clients } = await startFull(LISTENING, 40, ["--bind", "127.0.0.1:0"]);
  server.signal("SIGTTIN");
  await server.waitForRecord({ msg: "connections given", connections: 0 });
  const replies = await Promise.all(clients.map((client) => ask(client)));
  expect(new Set(replies.map(({ pid }) => pid)).size).toBe(1);
}

async function full(): Promise<void> {
  const { server, clients } = await startFull(NODE, 40, ["--bind", "127.0.0.1:0", "--worker-connections", "40"]);
  await evenOut(server);
  await Promise.all(clients.map((client) => ask(client)));
}

/** What it has got goes down with it, and no more. */
async function dying(): Promise<void> {
  const { server, clients } = await startFull(NODE, 300, ["--bind", "127.0.0.1:0", "--timeout", "60s"]);
  const from = server.log.length;
  server.signal("SIGTTIN");
  const { pid } = await server.waitForRecord("worker ready", { from });
  const taker = Number(pid);
  const before = sockets(taker);
  while (sockets(taker) < before + 10) await sleep(1);
  process.kill(taker, "SIGSTOP");
  await server.waitForRecord("connections given", { from });
  process.kill(taker, "SIGKILL");
  await server.waitForRecord({ msg: "worker gone", pid: taker });
  const closed = (): number => clients.filter(({ end }) => end !== undefined).length;
  // Its successor is given nothing before it has been there for a while.
  await expect.poll(() => closed() - given(server.records.slice(from)), { timeout: 60_000 }).toBe(0);
  await Promise.all(clients.filter(({ end }) => end === undefined).map((client) => ask(client)));
}

/** One worker that has all of `count` connections, each of which has been used. */
async function startFull(
  source: string,
  count: number,
  args: readonly string[],
  greet: (client: RawClient, index: number) => void = () => {},
): Promise<{ server: Tsgate; clients: RawClient[] }> {
  const project = await tempProject({ "app.mjs": source, "node.mjs": NODE });
  const own = ["--workers", "1", "--linger", "200ms", "--log-level", "debug"];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  const target = await server.target();
  const clients: RawClient[] = [];
  for (let index = 0; index < count; index++) {
    const client = await connectRaw(target);
    greet(client, index);
    await ask(client);
    clients.push(client);
  }
  return { server, clients };
}

/** One worker more; resolves with what is said when it has its share. */
async function evenOut(server: Tsgate): Promise<Readonly<Record<string, unknown>>> {
  const from = server.log.length;
  server.signal("SIGTTIN");
  return server.waitForRecord("connections evened", { from });
}

interface Reply {
  readonly pid: number;
  readonly address: string;
  readonly port: string;
  readonly user: string;
}

async function ask(client: RawClient, path = "/"): Promise<Reply> {
  const before = client.text.length;
  client.get(path);
  await client.received(new RegExp(`^[^]{${before}}[^]*>`));
  const reply = client.text.slice(before);
  const [, pid, address = "", port = "", user = ""] = /<(\d+) (\S*) (\S*) (\S*)>/.exec(reply) ?? [];
  if (!reply.startsWith("HTTP/1.1 200 ")) throw new Error(reply);
  return { pid: Number(pid), address, port, user };
}

async function askUntil(over: AbortSignal, client: RawClient, everyMs: number): Promise<void> {
  while (!over.aborted) {
    await ask(client);
    await sleep(everyMs);
  }
}

/** How many connections have moved, by what is said of each gift. */
function given(records: readonly LogRecord[]): number {
  const gifts = records.filter(({ msg }) => msg === "connections given");
  return gifts.reduce((sum, { connections }) => sum + Number(connections), 0);
}

function sockets(pid: number): number {
  return openThings(pid).filter((thing) => thing.startsWith("socket:")).length;
}

/** At the same time, because most of theirs is waiting. */
async function all(cases: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
  await Promise.all(
    Object.entries(cases).map(async ([name, run]) =>
      run().catch((error: unknown) => {
        throw new Error(name, { cause: error });
      }),
    ),
  );
}
