/** A master that is killed, and time that does not pass as it should, on the shipped binary. */

import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { isAlive } from "../support/process-tree.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, StartOptions, Tsgate } from "../support/tsgate.ts";

const LINGER_MS = 200;

describe("when the master is killed", () => {
  test("the port is free within a second, idle workers leave within three, and what is in flight is answered", async () => {
    const { server } = await startServer();
    const target = await server.target();
    const client = await connectRaw(target);
    client.get("/stream?8000");
    await client.received(/begun/);
    const idle = await connectRaw(target);
    idle.get("/");
    await idle.received(/one$/);
    const busyPid = Number(/x-worker-pid: (\d+)/i.exec(client.text)?.[1]);
    const others = server.workerPids().filter((pid) => pid !== busyPid);
    expect(others).toHaveLength(1);
    server.signal("SIGKILL");
    await server.exited;
    await within(5000, async () => (await requestOnce(target)).outcome === "refused");
    await within(5000, async () => !(await server.processes()).some((pid) => others.includes(pid)));
    expect(await server.processes()).toEqual([busyPid]);
    expect(client.text).not.toMatch(/ one\r\n0/);
    await client.received(/ one\r\n0\r\n\r\n$/);
    await within(15_000, async () => (await server.processes()).length === 0);
  });

  test("a worker that is busy for ever leaves at --graceful-timeout", async () => {
    const { server } = await startServer(["--graceful-timeout", "1500ms"]);
    const client = await connectRaw(await server.target());
    client.get("/stream?60000");
    await client.received(/begun/);
    server.signal("SIGKILL");
    await server.exited;
    expect((await server.processes()).length).toBeGreaterThan(0);
    await client.ended();
    await within(15_000, async () => (await server.processes()).length === 0);
  });

  test("a server that is started again at once gets port and pidfile", async () => {
    const { server, dir } = await startServer(["--pid", "pid"]);
    const address = await server.address();
    server.signal("SIGKILL");
    await server.exited;
    await within(5000, async () => (await requestOnce(await server.target())).outcome === "refused");
    const again = startTsgate(["--workers", "1", "--bind", address, "--pid", "pid", "app.mjs"], { cwd: dir });
    await again.waitForReady(1);
    expect((await requestOnce(await again.target())).outcome).toBe("ok");
  });
});

describe("nobody is killed and nothing is lost when", () => {
  test("the master stands still for longer than --timeout", async () => {
    const { server } = await startServer(["--timeout", "1500ms"]);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const pids = server.workerPids();
    server.signal("SIGSTOP");
    // The standstill itself is what is tested.
    await pause(3000);
    server.signal("SIGCONT");
    server.signal("SIGTTIN");
    await server.waitForReady(3);
    assertNothingLost(await traffic.stop());
    expectUntouched(server, pids);
  });

  test("the whole server stands still, as on a machine that is suspended", async () => {
    const { server } = await startServer(["--timeout", "1500ms", "--graceful-timeout", "2s"]);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const pids = server.workerPids();
    const all = [server.pid, ...pids];
    for (const pid of all) process.kill(pid, "SIGSTOP");
    await pause(3500);
    // The workers last: their beats come after the master has looked at its clock.
    for (const pid of all) process.kill(pid, "SIGCONT");
    server.signal("SIGTTIN");
    await server.waitForReady(3);
    assertNothingLost(await traffic.stop());
    expectUntouched(server, pids);
  });

  test.each([
    ["well past the time for which it is to be watched", 2000],
    ["as long as it is to be watched", 500],
  ])("the first worker of a reload ends while the master that is to watch it stands still, %s", async (_, pauseMs) => {
    const { server, write } = await startServer();
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const pids = server.workerPids();
    const good = application("node", "one");
    await write("app.mjs", `${good}\nsetTimeout(() => process.exit(3), 2500);\n`);
    server.signal("SIGHUP");
    const { pid } = await server.waitForRecord({ msg: "worker ready", generation: 2 });
    server.signal("SIGSTOP");
    await within(15_000, async () => !isAlive(Number(pid)));
    await pause(pauseMs);
    server.signal("SIGCONT");
    const failed = await server.waitForRecord("reload failed");
    expect(failed).toMatchObject({ generation: 2, ready: 2, error: expect.stringContaining("exit code 3") });
    expect(server.log.all("worker draining")).toEqual([]);
    const tally = await traffic.stop();
    expect(tally.outcomes.ok).toBeGreaterThan(0);
    expect(server.workerPids().toSorted()).toEqual(pids.toSorted());
  });

  test("the wall clock jumps, forth and back", async () => {
    const { server, write } = await startServer(["--timeout", "1500ms", "--import", "./clock.mjs"], {
      env: { NODE_OPTIONS: "--import ./clock.mjs" },
    });
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    const pids = server.workerPids();
    for (const [count, offset] of [86_400_000, -86_400_000].entries()) {
      await write("offset", String(offset));
      server.signal(count === 0 ? "SIGTTIN" : "SIGTTOU");
      const { time } = await server.waitForRecord("workers changed", { nth: count + 1 });
      expect(Math.abs(time - Date.now() - offset)).toBeLessThan(60_000);
      // Longer than --timeout: each worker beats a few times by the new clock.
      await pause(2000);
    }
    await server.waitForRecord("worker gone");
    assertNothingLost(await traffic.stop());
    expect(server.log.all(isDeath).map(({ msg, cause }) => [msg, cause])).toEqual([["worker gone", "scaled down"]]);
    expect(server.workerPids().toSorted()).toEqual(pids.toSorted());
  });
});

/** A clock that is wrong by what the file `offset` says. */
const CLOCK = `import { readFileSync } from "node:fs";
const RealDate = Date;
const offset = () => {
  try {
    return Number(readFileSync("offset", "utf8"));
  } catch {
    return 0;
  }
};
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offset()] : args));
  }
  static now() {
    return RealDate.now() + offset();
  }
};
`;

/** Two workers and a clock that can be set. */
async function startServer(
  args: readonly string[] = [],
  options: StartOptions = {},
): Promise<{ server: Tsgate; dir: string; write: (file: string, text: string) => Promise<void> }> {
  const project = await tempProject({ "app.mjs": application("node", "one"), "clock.mjs": CLOCK });
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", `${LINGER_MS}ms`];
  const server = startTsgate([...own, ...args, "app.mjs"], { ...options, cwd: project.dir });
  await server.waitForReady(2);
  return { server, dir: project.dir, write: async (file, text) => void (await project.write(file, text)) };
}

/** Several times as long as is promised: the machine may have much else to do. */
async function within(ms: number, holds: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + ms;
  while (!(await holds())) {
    expect(performance.now()).toBeLessThan(endsAt);
    await pause(10);
  }
}

function isDeath({ msg }: LogRecord): boolean {
  return ["worker hung", "worker killed", "worker gone"].includes(msg);
}

function expectUntouched(server: Tsgate, pids: readonly number[]): void {
  expect(server.log.all(isDeath)).toEqual([]);
  expect(server.workerPids()).toEqual(expect.arrayContaining([...pids]));
}
