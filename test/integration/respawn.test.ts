/** Workers that die, hang or fall ill, on the shipped binary. */

import { rename } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { application } from "../support/applications.ts";
import { fewestReady, mostAlive } from "../support/pool-counts.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { connect, Connection } from "../support/traffic/connection.mjs";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const LINGER_MS = 200;

/** The master's clock: at half its speed, so that timers come early, and further at each reading. */
const SLOW_CLOCK = `if (process.env.NODE_UNIQUE_ID === undefined) {
  const now = performance.now.bind(performance);
  const beganAt = now();
  let readings = 0;
  performance.now = () => beganAt + (now() - beganAt) / 2 + ++readings * 0.4;
}`;

describe("a worker that dies is replaced in its slot", () => {
  test("when it is killed; only what was in flight on it fails", async () => {
    const { server } = await startServer();
    const [pid = 0, other] = server.workerPids();
    const clients = await connectToAll(server);
    const asked = clients.map((client) => client.request({ path: "/slow?1500" }));
    process.kill(pid, "SIGKILL");
    const successor = await respawnOf(server, pid);
    const hasReply = (await Promise.all(asked)).map(({ outcome }) => outcome === "ok");
    expect(hasReply).toEqual(clients.map(({ lastPid }) => lastPid !== pid));
    expect(server.log.all({ msg: "worker gone", pid })).toMatchObject([
      { cause: "killed from outside", code: null, signal: "SIGKILL" },
    ]);
    expect(server.workerPids().toSorted()).toEqual([other, successor.pid].toSorted());
  });

  test("when all are killed at once; who comes meanwhile waits and is answered", async () => {
    const { server } = await startServer();
    const target = await server.target();
    for (const pid of server.workerPids()) process.kill(pid, "SIGKILL");
    const replies = await Promise.all(Array.from({ length: 10 }, () => requestOnce(target)));
    expect(replies.map(({ outcome }) => outcome)).toEqual(replies.map(() => "ok"));
  });

  test("when nothing else happens, and the instant to fill its slot passes between two readings of the clock", async () => {
    const clock = await tempProject({ "clock.mjs": SLOW_CLOCK });
    const env = { NODE_OPTIONS: `--import=${clock.path("clock.mjs")}` };
    // Each respawn has one chance in three to fall there.
    const servers = await Promise.all(Array.from({ length: 4 }, () => startServer(["--workers", "1"], "", 1, env)));
    const dies = async ({ server }: { readonly server: Tsgate }): Promise<void> => {
      for (let nth = 2; nth <= 4; nth++) {
        await requestOnce(await server.target(), { path: "/exit" });
        await server.waitForRecord("worker ready", { nth });
      }
    };
    await Promise.all(servers.map(dies));
  });

  test("when a handler ends the process", async () => {
    const { server } = await startServer();
    const client = await connectRaw(await server.target());
    client.get("/exit");
    await client.ended();
    const gone = await server.waitForRecord("worker gone");
    expect(gone).toMatchObject({ cause: "crashed", code: 7, signal: null, level: 50 });
    await respawnOf(server, Number(gone.pid));
    expect((await requestOnce(await server.target())).outcome).toBe("ok");
  });

  test("when it throws where nobody catches: told with its stack, and other requests on it are answered", async () => {
    const { server } = await startServer(["--workers", "1", "--graceful-timeout", "1500ms"], "", 1);
    const [pid = 0] = server.workerPids();
    const [asking, throwing] = [await connectRaw(await server.target()), await connectRaw(await server.target())];
    asking.get("/stream?700");
    await asking.received(/begun/);
    throwing.get("/throw?10");
    const thrown = await server.waitForRecord("uncaught exception in the application");
    expect(thrown).toMatchObject({ level: 50, pid, origin: "uncaughtException" });
    expect(thrown.error).toMatchObject({ message: "thrown on purpose" });
    // Both are in flight: the one that threw is never answered.
    expect(thrown).toMatchObject({
      inFlight: 2,
      requests: [
        { method: "GET", path: "/stream", ageMs: expect.any(Number) },
        { method: "GET", path: "/throw", ageMs: expect.any(Number) },
      ],
    });
    expect((thrown.error as { stack: string }).stack).toMatch(/thrownByTheApplication.*node-app\.mjs:\d+:\d+/);
    await respawnOf(server, pid);
    await asking.received(/ one\r\n0\r\n\r\n$/);
    expect(await server.waitForRecord("worker gone")).toMatchObject({ pid, cause: "uncaught exception", code: 1 });
  });

  test("when it throws for as long as it drains: the slot writes no more than ten lines", async () => {
    const storm = 'setTimeout(() => setInterval(() => { throw new Error("storm"); }, 5), 1000);\n';
    const { server } = await startServer(["--workers", "1", "--linger", "1s"], storm, 1);
    const client = await connectRaw(await server.target());
    const { time } = await server.waitForRecord("uncaught exception in the application");
    const { time: end } = await server.waitForRecord("worker gone", { timeoutMs: 45_000 });
    client.socket.destroy();
    // On a busy machine it may have gone before its successor is ready.
    const { time: readyAt } = await server.waitForRecord("worker ready", { nth: 2 });
    const until = Math.max(end, readyAt);
    const told = server.log.all((record) => record.slot === 0 && record.time >= time && record.time <= until);
    expect(told.length).toBeLessThanOrEqual(10);
    expect(told.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(["worker spawned", "worker ready", "worker gone"]),
    );
  });

  test("again and again, later each time, and the other slots are not touched", async () => {
    const { server } = await startServer();
    const [pid = 0, other] = server.workerPids();
    let victim: LogRecord = await server.waitForRecord({ msg: "worker ready", pid });
    const { slot } = victim;
    const gapsMs: number[] = [];
    for (let death = 1; death <= 3; death++) {
      process.kill(Number(victim.pid), "SIGKILL");
      const gone = await server.waitForRecord({ msg: "worker gone", pid: victim.pid });
      const spawned = await server.waitForRecord({ msg: "worker spawned", slot }, { nth: death + 1 });
      gapsMs.push(spawned.time - gone.time);
      victim = await server.waitForRecord({ msg: "worker ready", pid: spawned.pid });
    }
    const [first = 0, second = 0, third = 0] = gapsMs;
    expect(first).toBeLessThan(second);
    expect(second).toBeGreaterThanOrEqual(790);
    expect(third).toBeGreaterThanOrEqual(1590);
    expect(server.log.all("degraded")).toMatchObject([{ level: 40, slots: [slot] }]);
    expect(server.workerPids()).toContain(other);
  });
});

test("workers that die during --shutdown-delay are replaced: somebody serves until it is over", async () => {
  const { server } = await startServer(["--shutdown-delay", "4s"]);
  const target = await server.target();
  server.signal("SIGTERM");
  const { time } = await server.waitForRecord("server stopping");
  const from = server.log.length;
  for (const pid of server.workerPids()) process.kill(pid, "SIGKILL");
  const replies = await Promise.all(Array.from({ length: 10 }, () => requestOnce(target)));
  expect(replies.map(({ outcome }) => outcome)).toEqual(replies.map(() => "ok"));
  const stopped = await server.waitForRecord("server stopped");
  expect(stopped.time - time).toBeGreaterThanOrEqual(3990);
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(
    server.log
      .all("worker spawned", from)
      .map(({ slot }) => slot)
      .toSorted(),
  ).toEqual([0, 1]);
  expect(server.log.all({ cause: "killed from outside" }, from).map(({ level }) => level)).toEqual([50, 50]);
});

describe("a worker that lives is replaced", () => {
  /** The first worker to find the file `cut` removes it and closes its channel, and hangs then if the file says so. */
  const CUTTING = `import { readFileSync, unlinkSync } from "node:fs";
setInterval(() => {
  let text;
  try {
    text = readFileSync("cut", "utf8");
    unlinkSync("cut");
  } catch {
    return;
  }
  process.disconnect();
  if (text === "hang") setTimeout(() => { for (;;); }, 50);
}, 10);
`;

  test("at once when its application closes the channel to the master; what is in flight on it is answered", async () => {
    const { server, project } = await startServer(["--workers", "1"], CUTTING, 1);
    const [pid = 0] = server.workerPids();
    const asking = await connectRaw(await server.target());
    asking.get("/stream?4000");
    await asking.received(/begun/);
    await project.write("cut", "");
    await server.waitForRecord("the application closed the channel to the master");
    await respawnOf(server, pid);
    expect(server.log.all("worker gone")).toEqual([]);
    expect((await requestOnce(await server.target())).outcome).toBe("ok");
    await asking.received(/ one\r\n0\r\n\r\n$/);
    expect(await server.waitForRecord("worker gone")).toMatchObject({ pid, cause: "disconnected", code: 0 });
  });

  test("and killed at --graceful-timeout when its application has closed the channel and it does not leave", async () => {
    const { server, project } = await startServer(["--workers", "1", "--graceful-timeout", "4s"], CUTTING, 1);
    const [pid = 0] = server.workerPids();
    const asking = await connectRaw(await server.target());
    asking.get("/stream?60000");
    await asking.received(/begun/);
    await project.write("cut.new", "hang");
    await rename(project.path("cut.new"), project.path("cut"));
    await respawnOf(server, pid);
    expect(server.log.all("worker gone")).toEqual([]);
    expect(await server.waitForRecord("worker killed")).toMatchObject({ pid, cause: "drain timeout" });
    expect(await server.waitForRecord("worker gone")).toMatchObject({ pid, cause: "disconnected", signal: "SIGKILL" });
  });

  test("when it hangs, while the others answer", async () => {
    const { server } = await startServer(["--timeout", "2s"]);
    const target = await server.target();
    const client = await connectRaw(target);
    const hungAt = Date.now();
    client.get("/hang");
    while (!server.stdout.includes("hanging")) await new Promise((resolve) => setTimeout(resolve, 5));
    const hung = server.waitForRecord("worker hung");
    const replies = await Promise.all(Array.from({ length: 20 }, () => requestOnce(target)));
    expect(replies.map(({ outcome }) => outcome)).toEqual(replies.map(() => "ok"));
    const { pid, time } = await hung;
    expect(time - hungAt).toBeGreaterThan(1000);
    expect(time - hungAt).toBeLessThan(20_000);
    await respawnOf(server, Number(pid));
    expect(await server.waitForRecord("worker gone")).toMatchObject({ pid, cause: "hung", signal: "SIGKILL" });
    expect((await client.ended()).text).toBe("");
  });

  test("when its health() says so three times, one worker at a time, and no request is lost", async () => {
    const health =
      'import { statSync } from "node:fs";\nconst bootedAt = Date.now();\n' +
      'export const health = () => (statSync("ill", { throwIfNoEntry: false })?.mtimeMs ?? 0) < bootedAt;\n';
    const { server, project } = await startServer(["--timeout", "2s"], health);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const from = server.log.length;
    await project.write("ill", "since now");
    await server.waitForRecord("worker gone", { nth: 2 });
    assertNothingLost(await traffic.stop());
    expect(server.log.all("worker draining").map(({ why }) => why)).toEqual(["unhealthy", "unhealthy"]);
    expect(fewestReady(server.records, from)).toBe(2);
    expect(mostAlive(server.records)).toBe(3);
  });
});

describe("the server gives up after --give-up", () => {
  const gaveUp = (seconds: number): string => `tsgate: no worker has been ready for ${seconds} s (--give-up)`;

  test("when its first worker never becomes ready", async () => {
    const project = await tempProject({ "app.mjs": "await new Promise((yes) => setTimeout(yes, 60_000));\n" });
    const server = startTsgate(["--give-up", "2s", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.log.otherLines).toEqual([gaveUp(2)]);
  });

  test("when no worker comes back", async () => {
    const breaking = 'import { existsSync } from "node:fs";\nif (existsSync("broken")) throw new Error("no disk");\n';
    const { server, project } = await startServer(["--give-up", "5s"], breaking);
    await project.write("broken", "");
    for (const pid of server.workerPids()) process.kill(pid, "SIGKILL");
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.log.otherLines).toEqual([gaveUp(5)]);
    // One that ends when the server has given up is no error any more.
    const failed = server.log.all(({ cause, level }) => cause === "boot failed" && level === 50);
    expect(failed.length).toBeGreaterThan(1);
    expect(failed.map(({ error, stack }) => [error, /app\.mjs:\d+/.test(String(stack))])).toEqual(
      failed.map(() => ["application app.mjs failed to load: no disk", true]),
    );
  });
});

/** Two workers unless `args` say otherwise. */
async function startServer(
  args: readonly string[] = [],
  more = "",
  workers = 2,
  env: Readonly<Record<string, string>> = {},
): Promise<{ server: Tsgate; project: TempProject }> {
  const project = await tempProject({ "app.mjs": application("node", "one", more) });
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", `${LINGER_MS}ms`];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir, env });
  await server.waitForReady(workers);
  return { server, project };
}

/** Connections on which nothing is in flight, some to each of the two workers. */
async function connectToAll(server: Tsgate): Promise<Connection[]> {
  const target = await server.target();
  const clients: Connection[] = [];
  onTestFinished(() => clients.forEach((client) => client.close()));
  while (clients.length < 8 || new Set(clients.map(({ lastPid }) => lastPid)).size < 2) {
    const client = await connect(target, { timeoutMs: 30_000, onIdleEvent: () => {} });
    if (!(client instanceof Connection)) throw new Error(client.detail);
    clients.push(client);
    await client.request({ path: "/block?2" });
  }
  return clients;
}

/** Resolves when the worker that takes the place of `pid` is ready. */
async function respawnOf(server: Tsgate, pid: number): Promise<LogRecord> {
  const { slot } = await server.waitForRecord({ msg: "worker ready", pid });
  const successor = await server.waitForRecord({ msg: "worker ready", slot }, { nth: 2 });
  expect(successor.pid).not.toBe(pid);
  return successor;
}
