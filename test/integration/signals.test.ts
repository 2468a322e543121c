/** Signals to the master, to a worker and to the whole process group, on the shipped binary. */

import { existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { fewestReady } from "../support/pool-counts.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { startTsgate, toTarget } from "../support/tsgate.ts";
import type { StartOptions, Tsgate } from "../support/tsgate.ts";

const LINGER_MS = 200;
const STOPPED = { code: 0, signal: null };

describe("a quick stop waits for nobody", () => {
  test.each([
    ["INT", ["SIGINT"]],
    ["QUIT", ["SIGQUIT"]],
    ["a second TERM", ["SIGTERM", "SIGTERM"]],
  ] as const)("%s", async (_, signals) => {
    const server = await startServer(["--linger", "30s"]);
    const client = await connectRaw(await server.target());
    client.get("/slow?60000");
    expect((await requestOnce(await server.target())).outcome).toBe("ok");
    for (const signal of signals) {
      server.signal(signal);
      await server.waitForRecord("server stopping");
    }
    expect(await server.exited).toEqual(STOPPED);
    expect((await client.ended()).text).toBe("");
    const stops = server.log.all("server stopping");
    expect(stops.map(({ kind }) => kind)).toEqual(signals.length === 2 ? ["graceful", "quick"] : ["quick"]);
    expect(server.log.all("drain deadline passed")).toEqual([]);
    expect(took(server)).toBeLessThan(20_000);
  });
});

describe("what reaches the whole process group is the master's business", () => {
  test("Ctrl-C ends everything quietly", async () => {
    const server = await startServer([], { ownGroup: true });
    server.signalGroup("SIGINT");
    expect(await server.exited).toEqual(STOPPED);
    expectQuietEnd(server);
    expect(server.log.all("worker gone")).toMatchObject([
      { cause: "stop", code: 0, signal: null },
      { cause: "stop", code: 0, signal: null },
    ]);
  });

  test("TERM is one graceful stop", async () => {
    const server = await startServer([], { ownGroup: true });
    const client = await connectRaw(await server.target());
    client.get("/stream?500");
    await client.received(/begun/);
    server.signalGroup("SIGTERM");
    await client.received(/ one\r\n0\r\n/);
    expect(await server.exited).toEqual(STOPPED);
    expectQuietEnd(server);
    expect(server.log.all("server stopping")).toMatchObject([{ kind: "graceful" }]);
    expect(server.log.all("worker draining").map(({ why }) => why)).toEqual(["stop", "stop"]);
  });
});

describe("a worker", () => {
  test("ignores HUP, INT, QUIT, USR2, TTIN and TTOU", async () => {
    const server = await startServer(["--workers", "1"], {}, 1);
    const [pid = 0] = server.workerPids();
    const from = server.log.length;
    for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGTTIN", "SIGTTOU"] as const) {
      process.kill(pid, signal);
      const { reply } = await requestOnce(await server.target());
      expect([signal, reply?.headers.get("x-worker-pid")]).toEqual([signal, String(pid)]);
    }
    expect(server.records.slice(from)).toEqual([]);
  });

  test("that is sent TERM alone is replaced first and drained then", async () => {
    const server = await startServer();
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const [pid = 0] = server.workerPids();
    const from = server.log.length;
    process.kill(pid, "SIGTERM");
    await server.waitForRecord({ msg: "worker gone", pid });
    assertNothingLost(await traffic.stop());
    const { slot } = server.log.all({ msg: "worker spawned", pid })[0] ?? {};
    expect(server.records.slice(from)).toMatchObject([
      { msg: "worker spawned", slot },
      { msg: "worker ready", slot },
      { msg: "worker draining", slot, pid, why: "terminated" },
      { msg: "worker gone", slot, pid, cause: "terminated", code: 0, signal: null },
    ]);
    expect(fewestReady(server.records, from)).toBe(2);
  });
});

describe("the master", () => {
  test("runs one worker more for TTIN, one less for TTOU, never none, and loses no request", async () => {
    const server = await startServer();
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    server.signal("SIGTTIN");
    await server.waitForReady(3);
    for (const target of [2, 1]) {
      server.signal("SIGTTOU");
      await server.waitForRecord({ msg: "workers changed", target });
    }
    server.signal("SIGTTOU");
    await server.waitForRecord("worker gone", { nth: 2 });
    assertNothingLost(await traffic.stop());
    expect(server.log.all("workers changed").map(({ target }) => target)).toEqual([3, 2, 1]);
    expect(server.log.all("worker draining").map(({ why }) => why)).toEqual(["scaled down", "scaled down"]);
    expect((await requestOnce(await server.target())).outcome).toBe("ok");
    expect(await server.processes()).toHaveLength(2);
  });

  test("opens its log file anew for USR1, and goes on at USR2", async () => {
    const project = await tempProject({ "app.mjs": application("node", "one") });
    const [file, old] = [project.path("log"), project.path("log.old")];
    const args = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "100ms", "--log-file", "log", "app.mjs"];
    const server = startTsgate(args, { cwd: project.dir });
    await untilWritten(file, /"worker ready"/);
    const address = /"address":"([^"]+)"/.exec(await readFile(file, "utf8"))?.[1] ?? "";
    await rename(file, old);
    const writtenBefore = await readFile(old, "utf8");
    server.signal("SIGUSR1");
    await untilThere(file);
    server.signal("SIGUSR2");
    await untilWritten(file, /"SIGUSR2".*"signal ignored"/);
    expect((await requestOnce(toTarget(address))).outcome).toBe("ok");
    expect(await server.stop()).toEqual(STOPPED);
    expect(await readFile(old, "utf8")).toBe(writtenBefore);
    expect(await readFile(file, "utf8")).toMatch(/"server stopping"[^]*"server stopped"/);
    expect(server.stderr).toBe("");
  });
});

/** Two workers unless `args` say otherwise. */
async function startServer(args: readonly string[] = [], options: StartOptions = {}, workers = 2): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": application("node", "one") });
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", `${LINGER_MS}ms`];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir, ...options });
  await server.waitForReady(workers);
  return server;
}

/** Nothing but records, none of them a complaint, and no worker but those of the beginning. */
function expectQuietEnd(server: Tsgate): void {
  expect(server.records.filter(({ level }) => level > 30)).toEqual([]);
  expect(server.log.otherLines).toEqual([]);
  expect(server.stdout).toBe("");
  expect(server.log.all("worker spawned")).toHaveLength(2);
  expect(server.log.all("server stopping")).toHaveLength(1);
}

/** Milliseconds from the first sign of the stop to its end, as the log tells. */
function took(server: Tsgate): number {
  const begun = server.log.all("server stopping")[0]?.time ?? Number.NaN;
  return (server.log.all("server stopped")[0]?.time ?? Number.NaN) - begun;
}

async function untilWritten(file: string, pattern: RegExp): Promise<void> {
  await until(async () => existsSync(file) && pattern.test(await readFile(file, "utf8")), `${pattern} in ${file}`);
}

async function untilThere(file: string): Promise<void> {
  await until(() => existsSync(file), file);
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endsAt = performance.now() + 45_000;
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error(`no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
