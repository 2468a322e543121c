/**
 * Workers that die, hang or crash again and again under the full traffic, on the shipped binary: what fails is what was
 * in flight on them, nobody is refused, and the slot is back.
 */

import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { connectRaw } from "../support/raw-client.ts";
import { reload } from "../support/reloading.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { assertNothingLost, startTraffic } from "../support/traffic.ts";
import type { Tally, Traffic } from "../support/traffic.ts";
import { judge } from "../support/traffic/excuses.mjs";
import type { Death } from "../support/traffic/excuses.mjs";
import { heldConnections } from "../support/traffic/held-connections.mjs";
import { serverFailures } from "../support/traffic/tally.mjs";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const LINGER_MS = 300;

describe("only what is in flight on it fails, and its slot is back, when a worker", () => {
  test("is killed, five times", async () => {
    const { server, traffic } = await startUnderTraffic();
    const deaths: Held[] = [];
    for (let kill = 1; kill <= 5; kill++) {
      const [victim = 0] = server.workerPids();
      await replaced(server, traffic, () => deaths.push(...kill9([victim])));
    }
    expectOnlyDeathsLost(server, await traffic.stop(), deaths, 5);
  });

  test("is killed together with all others, three times", async () => {
    const { server, traffic } = await startUnderTraffic();
    const deaths: Held[] = [];
    for (let storm = 1; storm <= 3; storm++)
      await replaced(server, traffic, () => deaths.push(...kill9(server.workerPids())));
    expectOnlyDeathsLost(server, await traffic.stop(), deaths, 9);
  });

  const ends: readonly { how: string; path: string; expected: Partial<LogRecord> }[] = [
    { how: "ends its process in a handler", path: "/last?exit", expected: { cause: "crashed", code: 7 } },
    { how: "fills its heap", path: "/last?fill", expected: { code: null } },
  ];
  test.each(ends)("$how", async ({ path, expected }) => {
    const { server, traffic } = await startUnderTraffic(["--node-arg", "--max-old-space-size=64"]);
    await replaced(server, traffic, async () => (await connectRaw(await server.target())).get(path));
    expect(server.log.all("worker gone")).toMatchObject([expected]);
    expectOnlyDeathsLost(server, await traffic.stop(), toldDeaths(server), 1);
  });

  test("hangs", async () => {
    const { server, traffic } = await startUnderTraffic(["--timeout", "3s"]);
    await replaced(server, traffic, async () => (await connectRaw(await server.target())).get("/last?hang"));
    const [hung] = server.log.all("worker hung");
    expect(server.log.all("worker gone")).toMatchObject([{ pid: hung?.pid, cause: "hung" }]);
    expectOnlyDeathsLost(server, await traffic.stop(), toldDeaths(server), 1);
  });
});

describe("no request fails but the one that does it, which is never answered, when a worker", () => {
  test.each([
    { how: "throws where nobody catches", path: "/throw?1" },
    { how: "rejects where nobody catches", path: "/reject" },
  ])("$how", async ({ path }) => {
    const { server, traffic } = await startUnderTraffic(["--graceful-timeout", "2s"]);
    await replaced(server, traffic, async () => (await connectRaw(await server.target())).get(path));
    expect(server.log.all("worker gone")).toMatchObject([{ cause: "uncaught exception", code: 1 }]);
    assertNothingLost(await traffic.stop());
  });
});

describe("a reload finishes, and loses nothing", () => {
  test("while a worker hangs, which is killed", async () => {
    const { server, traffic } = await startUnderTraffic(["--graceful-timeout", "2s", "--timeout", "0"]);
    (await connectRaw(await server.target())).get("/last?hang");
    await server.waitForOutput(/"held"/);
    await reload(server, 2);
    expect(server.log.all("worker gone").filter(({ signal }) => signal === "SIGKILL")).toHaveLength(1);
    expectOnlyDeathsLost(server, await traffic.stop(), toldDeaths(server), 1);
  });

  test("while a worker drains slowly, which is ended at its deadline", async () => {
    const { server, traffic } = await startUnderTraffic(["--graceful-timeout", "2s"]);
    const client = await connectRaw(await server.target());
    client.get("/stream?60000");
    await client.received(/begun/);
    await reload(server, 2);
    expect((await client.ended()).text).not.toMatch(/ one\r\n0/);
    expect(server.log.all("drain deadline passed")).toHaveLength(1);
    assertNothingLost(await traffic.stop());
  });
});

test("a crash loop backs off in its slot alone, is told, and writes at most ten lines", async () => {
  const crashing = `if (existsSync("crashing")) setTimeout(() => last("exit"), 100);\n`;
  const { server, project, traffic } = await startUnderTraffic(["--log-level", "debug"], crashing);
  const [victim = 0, ...others] = server.workerPids();
  const { slot } = await server.waitForRecord({ msg: "worker ready", pid: victim });
  await project.write("crashing", "");
  const deaths = kill9([victim]);
  await server.waitForRecord(({ msg, slot: of }) => msg === "worker gone" && of === slot, {
    nth: 6,
    timeoutMs: 40_000,
  });
  expect(server.workerPids()).toEqual(expect.arrayContaining(others));
  expect(server.log.all("degraded")).toMatchObject([{ level: 40, slots: [slot] }]);
  const firstDeath = server.log.all("worker gone")[0]?.time ?? 0;
  const about = server.log.all(({ slot: of, time }) => of === slot && time >= firstDeath);
  expect(about.filter(({ level }) => level > 20)).toHaveLength(10);
  expect(about.filter(({ level }) => level === 20).length).toBeGreaterThan(0);
  expectOnlyDeathsLost(server, await traffic.stop(), [...deaths, ...toldDeaths(server)], 6);
});

/** A death, but for the moment in which the server has seen it. */
type Held = Omit<Death, "to">;

interface UnderTraffic {
  readonly server: Tsgate;
  readonly project: TempProject;
  readonly traffic: Traffic;
}

const HELD = new URL("../support/traffic/held-connections.mjs", import.meta.url).href;

/** Its last deed: it says which connections it holds, and does it. */
const MORE = `
  import { existsSync, writeSync } from "node:fs";
  import { heldConnections } from "${HELD}";
  import served from "./served.mjs";
  function last(deed) {
    const held = { pid: process.pid, from: Date.now(), ...heldConnections("self") };
    writeSync(1, JSON.stringify({ held }) + "\\n");
    if (deed === "exit") process.exit(7);
    if (deed === "fill") for (const kept = []; ; ) kept.push(new Array(10_000).fill(kept.length));
    for (;;);
  }
  export default (request, response) => {
    const [path, deed] = request.url.split("?");
    if (path === "/reject") void Promise.reject(new Error("rejected on purpose"));
    else if (path === "/last") last(deed);
    else return served(request, response);
  };\n`;

/** Three workers under the full traffic, once it flows. */
async function startUnderTraffic(args: readonly string[] = [], more = ""): Promise<UnderTraffic> {
  const project = await tempProject({ "app.mjs": MORE + more, "served.mjs": application("node", "one") });
  const own = ["--workers", "3", "--bind", "127.0.0.1:0", "--linger", `${LINGER_MS}ms`];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(3);
  const traffic = await startTraffic({ target: await server.target(), lingerMs: LINGER_MS });
  await traffic.until(({ outcomes }) => outcomes.ok > 300);
  return { server, project, traffic };
}

/** Does `harm`, and waits until somebody has gone, three are ready again, and the traffic flows. */
async function replaced(server: Tsgate, traffic: Traffic, harm: () => unknown): Promise<void> {
  const from = server.log.length;
  await harm();
  await server.waitForRecord("worker gone", { from });
  await server.waitForReady(3, { from });
  const { ok } = (await traffic.snapshot()).outcomes;
  await traffic.until(({ outcomes }) => outcomes.ok > ok + 100);
}

/** Kills workers, and tells which connections they held: standing still, they take no others. */
function kill9(pids: readonly number[]): Held[] {
  const from = Date.now();
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  const deaths = pids.map((pid) => ({ pid, from, ...heldConnections(pid) }));
  for (const pid of pids) process.kill(pid, "SIGKILL");
  return deaths;
}

/** The deaths that the workers have announced themselves. */
function toldDeaths(server: Tsgate): Held[] {
  const told = server.stdout.split("\n").filter((line) => line.startsWith('{"held"'));
  return told.map((line) => (JSON.parse(line) as { held: Held }).held);
}

/** So many have died, and each failure is that of a request that was in flight on one of them. */
function expectOnlyDeathsLost(server: Tsgate, tally: Tally, held: readonly Held[], count: number): void {
  expect(held).toHaveLength(count);
  const deaths = held.map((one) => {
    const [gone] = server.log.all({ msg: "worker gone", pid: one.pid });
    return { ...one, to: gone?.time ?? one.from };
  });
  const { excused, unexcused } = judge(serverFailures(tally), deaths);
  expect(unexcused).toEqual([]);
  expect(tally.outcomes).toMatchObject({ refused: 0, timedOut: 0, badStatus: 0, clientError: 0 });
  expect(excused.length).toBeLessThan(tally.requests / 2);
}
