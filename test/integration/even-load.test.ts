/** Long-lived connections spread evenly over the workers of the shipped binary, and pausing a worker loses nothing. */

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { application } from "../support/applications.ts";
import type { ApplicationKind } from "../support/applications.ts";
import { openThings } from "../support/descriptors.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import type { Target } from "../support/traffic.ts";
import { connect, Connection } from "../support/traffic/connection.mjs";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const WORKERS = 4;
const LINGER_MS = 300;
/** What the busiest worker may hold, as a share of the mean. */
const MOST = 1.25;

describe("200 connections, opened 5 ms apart, spread evenly over 4 workers", () => {
  test.each<[kind: ApplicationKind, bind: string]>([
    ["node", "127.0.0.1:0"],
    ["node", "unix:app.sock"],
    ["server", "127.0.0.1:0"],
    ["gateway", "unix:app.sock"],
  ])("kind %s on %s", async (kind, bind) => {
    const { server } = await startServer(application(kind, "one"), ["--bind", bind]);
    const clients = await open(await server.target(), 200, 5);
    expectEven(perWorker(clients));
  });

  test("on several sockets at once", async () => {
    const { server } = await startServer(undefined, ["--bind", "127.0.0.1:0", "--bind", "unix:app.sock"]);
    const [tcp, unix] = [await server.target(0), await server.target(1)];
    const clients = await Promise.all([open(tcp, 100, 10), open(unix, 100, 10)]);
    expectEven(perWorker(clients.flat()));
  });

  test("although one of them is killed meanwhile: its successor catches up", async () => {
    const { server } = await startServer();
    const target = await server.target();
    const before = await open(target, 100, 5);
    const victim = Number(server.workerPids()[1]);
    process.kill(victim, "SIGKILL");
    const clients = [...before, ...(await open(target, 100, 5))];
    await server.waitForRecord("worker ready", { nth: WORKERS + 1 });
    for (let count = 0; count < 100; count++) clients.push(await answered(target));
    const alive = clients.filter(({ lastPid }) => lastPid !== victim);
    expectEven(perWorker(alive));
  });

  test("after a reload, and none is lost that was opened during it", async () => {
    const { server } = await startServer();
    const target = await server.target();
    const before = await open(target, 100, 5);
    const traffic = await startLightTraffic(target, LINGER_MS);
    server.signal("SIGHUP");
    before.push(...(await open(target, 200, 10)));
    await server.waitForRecord("reload done");
    assertNothingLost(await traffic.stop());
    for (const client of before) client.close();
    expectEven(perWorker(await open(target, 200, 5)));
  });
});

describe("workers that pause and go on", () => {
  test.each(["127.0.0.1:0", "unix:app.sock"])("lose nothing under traffic on %s", async (bind) => {
    const { server } = await startServer(undefined, ["--bind", bind]);
    const target = await server.target();
    await open(target, 20, 5).then((clients) => clients.forEach((client) => client.close()));
    const before = descriptors(server);
    const traffic = await startLightTraffic(target, LINGER_MS);
    for (let wave = 0; wave < 4; wave++) {
      const clients = await open(target, 150, 2);
      // One worker loses all that it has: the others have more than their share.
      const [spared] = perWorker(clients).keys();
      for (const client of clients) if (client.lastPid === spared) client.close();
      clients.push(...(await open(target, 100, 2)));
      for (const client of clients) client.close();
    }
    assertNothingLost(await traffic.stop());
    expect(server.log.all("worker paused").length).toBeGreaterThan(10);
    expect(server.log.all("worker resumed").length).toBeGreaterThan(5);
    // Once the clients' connections are closed here too.
    await until(() => descriptors(server) <= before);
  });

  test("answer at a stop what waits for the only one that accepts", async () => {
    const { server, target, accepting } = await onlyOneAccepts();
    const asked = [accepting.request({ path: "/block?700" })];
    await sleep(50);
    for (let count = 0; count < 40; count++) asked.push(requestOnce(target, { path: "/slow?50" }));
    await sleep(50);
    server.signal("SIGTERM");
    const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(outcomes.map(() => "ok"));
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("take over when the only one that accepts hangs", async () => {
    const { server, target, accepting } = await onlyOneAccepts();
    void accepting.request({ path: "/hang" });
    await server.waitForOutput(/hanging/);
    const replies = await Promise.all(Array.from({ length: 20 }, () => requestOnce(target)));
    expect(replies.map(({ outcome }) => outcome)).toEqual(replies.map(() => "ok"));
    expect(server.log.all("worker hung")).toEqual([]);
  });

  test("take over when the only one that accepts is killed", async () => {
    const { server, target, accepting } = await onlyOneAccepts();
    const from = server.log.length;
    process.kill(Number(accepting.lastPid), "SIGKILL");
    expect((await requestOnce(target)).outcome).toBe("ok");
    await server.waitForRecord("worker resumed", { from });
  });

  test("leave the port free when the master is killed", async () => {
    const { server, target } = await onlyOneAccepts();
    server.signal("SIGKILL");
    await server.exited;
    await until(async () => (await requestOnce(target)).outcome === "refused");
  });

  test("do not leave one alone with what needs more than one", async () => {
    const { target } = await onlyOneAccepts();
    const pids = new Set<number | undefined>();
    const endsAt = performance.now() + 20_000;
    const loop = async (): Promise<void> => {
      while (pids.size < 2 && performance.now() < endsAt) {
        const client = await connected(target);
        await client.request({ path: "/block?20" }, { closes: true });
        pids.add(client.lastPid);
      }
    };
    await Promise.all(Array.from({ length: 6 }, loop));
    expect(pids.size).toBeGreaterThan(1);
  });
});

describe("--worker-connections", () => {
  test.each<ApplicationKind>(["node", "server", "gateway", "fetch"])(
    "is what a worker holds, and who comes then waits (%s)",
    async (kind) => {
      const { server } = await startServer(application(kind, "one"), ["--worker-connections", "10"], 2);
      const target = await server.target();
      const clients = await open(target, 20, 2);
      expect([...perWorker(clients).values()]).toEqual([10, 10]);
      await server.waitForRecord("connection limit reached");
      const late = await connected(target);
      let hasAnswer = false;
      const answer = late.request({ path: "/" }).finally(() => (hasAnswer = true));
      await sleep(300);
      expect(hasAnswer).toBe(false);
      clients[0]?.close();
      expect((await answer).outcome).toBe("ok");
    },
  );

  test("counts the connections of all sockets, and changes with a reload", async () => {
    const { server, project } = await startServer(undefined, ["--bind", "127.0.0.1:0", "--bind", "unix:app.sock"], 1);
    await project.write("tsgate.config.json", JSON.stringify({ workerConnections: 6 }));
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    const clients = [...(await open(await server.target(0), 3, 2)), ...(await open(await server.target(1), 3, 2))];
    expect([...perWorker(clients).values()]).toEqual([6]);
    const late = [await connected(await server.target(0)), await connected(await server.target(1))];
    const answers = late.map((client) => client.request({ path: "/" }));
    await sleep(300);
    for (const client of clients.slice(0, 2)) client.close();
    expect((await Promise.all(answers)).map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
  });

  test("holds while connections come and go, and loses none", async () => {
    const { server } = await startServer(COUNTING, ["--worker-connections", "5"], 2);
    const target = await server.target();
    const most: number[] = [];
    const loop = async (): Promise<void> => {
      for (let count = 0; count < 30; count++) {
        const { outcome, reply } = await requestOnce(target, { path: "/" });
        expect(outcome).toBe("ok");
        most.push(Number(reply?.headers.get("x-most-open")));
      }
    };
    await Promise.all(Array.from({ length: 40 }, loop));
    expect(Math.max(...most)).toBe(5);
  });

  test("holds nobody up at a stop: what waits is answered", async () => {
    const { server } = await startServer(undefined, ["--worker-connections", "10"], 2);
    const target = await server.target();
    await open(target, 20, 2);
    const waiting = Array.from({ length: 20 }, () => requestOnce(target));
    await sleep(200);
    server.signal("SIGTERM");
    const outcomes = (await Promise.all(waiting)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(outcomes.map(() => "ok"));
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });
});

/** Takes its time, and tells with each reply how many connections its worker has held at most. */
const COUNTING = `import { subscribe } from "node:diagnostics_channel";
let open = 0;
let most = 0;
subscribe("net.server.socket", ({ socket }) => {
  most = Math.max(most, ++open);
  socket.once("close", () => open--);
});
export default (request, response) => {
  response.setHeader("x-most-open", most);
  setTimeout(() => response.end(), 20);
};
`;

/** Four workers unless `args` say otherwise. */
async function startServer(
  text: string = application("node", "one"),
  args: readonly string[] = [],
  workers = WORKERS,
): Promise<{ server: Tsgate; project: TempProject }> {
  const project = await tempProject({ "app.mjs": text });
  const own = ["--workers", String(workers), "--linger", `${LINGER_MS}ms`, "--log-level", "debug"];
  const bind = args.includes("--bind") ? [] : ["--bind", "127.0.0.1:0"];
  const server = startTsgate([...own, ...bind, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(workers);
  return { server, project };
}

async function connected(target: Target): Promise<Connection> {
  const client = await connect(target, { timeoutMs: 30_000, onIdleEvent: () => {} });
  if (!(client instanceof Connection)) throw new Error(client.detail);
  onTestFinished(() => client.close());
  return client;
}

/** Opens connections, one after another, that stay open; each is answered once. None comes sooner than so long after the last. */
async function open(target: Target, count: number, everyMs: number): Promise<Connection[]> {
  const opened: Promise<Connection>[] = [];
  for (let index = 0; index < count; index++) {
    opened.push(answered(target));
    await sleep(everyMs);
  }
  return Promise.all(opened);
}

async function answered(target: Target): Promise<Connection> {
  const client = await connected(target);
  const { outcome, detail } = await client.request({});
  if (outcome !== "ok") throw new Error(`${outcome} ${detail}`);
  return client;
}

/** How many connections each worker holds, by the pid that answered. */
function perWorker(clients: readonly Connection[]): Map<number | undefined, number> {
  const counts = new Map<number | undefined, number>();
  for (const { lastPid } of clients) counts.set(lastPid, (counts.get(lastPid) ?? 0) + 1);
  return counts;
}

function expectEven(counts: ReadonlyMap<number | undefined, number>): void {
  const held = [...counts.values()];
  const mean = held.reduce((sum, count) => sum + count, 0) / WORKERS;
  expect(held, `workers with connections: ${held.join(", ")}`).toHaveLength(WORKERS);
  expect(Math.max(...held), held.join(", ")).toBeLessThanOrEqual(MOST * mean);
}

/** Two workers of which one has lost its connections: until it has as many as the other, that accepts nothing. */
async function onlyOneAccepts(): Promise<{ server: Tsgate; target: Target; accepting: Connection }> {
  const { server } = await startServer(undefined, [], 2);
  const target = await server.target();
  const clients = await open(target, 80, 3);
  const counts = perWorker(clients);
  const [spared] = server.workerPids().toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
  for (const client of clients) if (client.lastPid === spared) client.close();
  const isPaused = (): boolean =>
    server.records.findLast(({ msg, pid }) => PAUSE.has(msg) && pid !== spared)?.msg === "worker paused";
  while (!isPaused()) await server.waitForRecord(({ msg }) => PAUSE.has(msg), { from: server.log.length });
  const accepting = await answered(target);
  expect(accepting.lastPid).toBe(spared);
  return { server, target, accepting };
}

const PAUSE = new Set(["worker paused", "worker resumed"]);

/** How much the master and its workers have open. */
function descriptors(server: Tsgate): number {
  return [server.pid, ...server.workerPids()].reduce((sum, pid) => sum + openThings(pid).length, 0);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 45_000;
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error("not in 45 s");
    await sleep(20);
  }
}
