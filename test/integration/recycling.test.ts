/** Workers that have served long enough are replaced: each after its replacement is ready, one at a time, nothing lost. */

import { unlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { fewestReady, mostAlive } from "../support/pool-counts.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const LINGER_MS = 200;
const MB = 1024 ** 2;

/** Keeps 256 KB more with each request. */
const LEAKING = `const kept = [];
export default (request, response) => {
  kept.push(Buffer.alloc(256 * 1024, 1));
  response.setHeader("x-worker-pid", process.pid);
  response.end("kept");
};
`;

describe("workers are replaced one at a time under traffic, and no request is lost", () => {
  test("by their requests, each at a number of its own", async () => {
    const { server } = await startServer(["--max-requests", "100", "--max-requests-jitter", "200"]);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    await goneFor(server, "max requests", 6);
    const tally = await traffic.stop();
    assertNothingLost(tally);
    expectReplacedInTurn(server, 2);
    const drained = server.log.all({ why: "max requests" });
    for (const { pid, requests } of drained) {
      expect(requests).toBeGreaterThanOrEqual(100);
      expect(tally.byPid[String(pid)]).toBeGreaterThanOrEqual(Number(requests));
    }
    expect(server.log.all("degraded")).toEqual([]);
    expect(server.log.all(({ cause, level }) => cause === "max requests" && level > 30)).toEqual([]);
  });

  test("by their age", async () => {
    const { server } = await startServer(["--max-worker-age", "3s"]);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    await goneFor(server, "max age", 3);
    assertNothingLost(await traffic.stop());
    expectReplacedInTurn(server, 2);
    const ages = server.log.all({ why: "max age" }).map(({ ageMs }) => Number(ageMs));
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(2700);
  });

  test("by their memory, when three heartbeats in a row have shown too much", async () => {
    const { server } = await startServer(["--max-memory", "160m", "--timeout", "2s"], LEAKING);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    await goneFor(server, "max memory", 2);
    assertNothingLost(await traffic.stop());
    expectReplacedInTurn(server, 2);
    const sizes = server.log.all({ why: "max memory" }).map(({ rssBytes }) => Number(rssBytes));
    expect(Math.min(...sizes)).toBeGreaterThan(160 * MB);
  });
});

test("of 200 requests at once with --max-requests 10 each is answered once, and no slot is ever down", async () => {
  const { server } = await startServer(["--workers", "4", "--max-requests", "10"], application("node", "one"), 4);
  const target = await server.target();
  const asked = Array.from({ length: 200 }, () => requestOnce(target, { path: "/slow?50" }));
  const replies = await Promise.all(asked);
  expect(replies.map(({ outcome }) => outcome)).toEqual(replies.map(() => "ok"));
  const served = new Map<string | undefined, number>();
  for (const { reply } of replies) {
    const pid = reply?.headers.get("x-worker-pid");
    served.set(pid, (served.get(pid) ?? 0) + 1);
  }
  const wornOut = [...served.values()].filter((requests) => requests >= 10).length;
  expect(wornOut).toBeGreaterThan(0);
  await goneFor(server, "max requests", wornOut);
  for (const { pid, requests } of server.log.all({ msg: "worker gone", cause: "max requests" }))
    expect(requests).toBe(served.get(String(pid)));
  expectReplacedInTurn(server, 4);
});

test("a worker that reaches its number says so at once, however seldom it beats", async () => {
  const { server } = await startServer(["--workers", "1", "--max-requests", "5", "--timeout", "0"], undefined, 1);
  const target = await server.target();
  const pids: (string | undefined)[] = [];
  for (let request = 0; request < 5; request++)
    pids.push((await requestOnce(target)).reply?.headers.get("x-worker-pid"));
  expect(new Set(pids).size).toBe(1);
  expect(await server.waitForRecord("worker draining")).toMatchObject({ why: "max requests", requests: 5, slot: 0 });
});

test("a limit on memory below what the application needs is named once, and nobody is replaced again and again", async () => {
  const { server } = await startServer(["--max-memory", "20m", "--timeout", "2s"]);
  const traffic = await startLightTraffic(await server.target(), LINGER_MS);
  const record = await server.waitForRecord("memory limit reached by a fresh worker");
  expect(record).toMatchObject({ level: 40, maxMemoryBytes: 20 * MB, hint: expect.stringContaining("--max-memory") });
  await goneFor(server, "max memory", 2);
  const { requests } = await traffic.snapshot();
  await traffic.until((tally) => tally.requests > requests + 500);
  assertNothingLost(await traffic.stop());
  expect(server.log.all("memory limit reached by a fresh worker")).toHaveLength(1);
  expect(server.log.all({ why: "max memory" })).toHaveLength(2);
});

test("while its replacement fails to boot a worker goes on serving; the log says so once, and the next good one replaces it", async () => {
  const breaking = 'import { existsSync } from "node:fs";\nif (existsSync("broken")) throw new Error("no disk");\n';
  const { server, project } = await startServer(["--max-requests", "200"], application("node", "one", breaking));
  const pids = server.workerPids();
  await project.write("broken", "");
  const traffic = await startLightTraffic(await server.target(), LINGER_MS);
  const held = await server.waitForRecord("worker not replaced");
  expect(held).toMatchObject({ level: 50, why: "max requests", error: "application app.mjs failed to load: no disk" });
  expect(pids).toContain(held.pid);
  await server.waitForRecord("degraded");
  expect(server.log.all({ msg: "worker not replaced", pid: held.pid })).toHaveLength(1);
  expect(server.log.all("worker draining")).toEqual([]);
  await unlink(project.path("broken"));
  await goneFor(server, "max requests", 2);
  assertNothingLost(await traffic.stop());
  expect(fewestReady(server.records, firstReady(server, 2))).toBe(2);
});

test("a worker is recycled although another slot has failed at each boot from the first start on", async () => {
  const breaking = 'if (process.title.includes("worker 1")) throw new Error("no seat");\n';
  const { server } = await startServer(["--max-requests", "5"], application("node", "one", breaking), 1);
  await server.waitForRecord({ msg: "worker gone", slot: 1 });
  const target = await server.target();
  for (let request = 0; request < 5; request++) expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
  await server.waitForRecord({ msg: "worker gone", slot: 0, cause: "max requests" });
  expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
});

/** Two workers that answer everything, unless the arguments say otherwise. */
async function startServer(
  args: readonly string[] = [],
  source = application("node", "one"),
  workers = 2,
): Promise<{ server: Tsgate; project: TempProject }> {
  const project = await tempProject({ "app.mjs": source });
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", `${LINGER_MS}ms`];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(workers);
  return { server, project };
}

/** Resolves when so many workers have left for this reason. */
async function goneFor(server: Tsgate, cause: string, count: number): Promise<void> {
  await server.waitForRecord({ msg: "worker gone", cause }, { nth: count, timeoutMs: 45_000 });
}

function firstReady(server: Tsgate, workers: number): number {
  return server.records.findIndex(({ msg, ready }) => msg === "worker ready" && ready === workers);
}

/** Read off the log: always as many ready as there should be, one above at most, and one replaced after the other. */
function expectReplacedInTurn(server: Tsgate, workers: number): void {
  const from = firstReady(server, workers);
  expect(fewestReady(server.records, from)).toBe(workers);
  expect(mostAlive(server.records)).toBe(workers + 1);
  const steps = server.records.slice(from + 1).filter(({ msg }) => msg in NEXT);
  for (const [index, step] of steps.entries()) {
    const { msg, slot } = steps[index + 1] ?? {};
    if (msg !== undefined) expect(`${step.msg} ${step.slot} → ${msg} ${slot}`).toBe(expectedStep(step, slot));
  }
}

/** One slot goes through all its steps before another begins. */
function expectedStep(step: LogRecord, nextSlot: number | undefined): string {
  const slot = step.msg === "worker gone" ? nextSlot : step.slot;
  return `${step.msg} ${step.slot} → ${NEXT[step.msg]} ${slot}`;
}

const NEXT: Readonly<Record<string, string>> = {
  "worker spawned": "worker ready",
  "worker ready": "worker draining",
  "worker draining": "worker gone",
  "worker gone": "worker spawned",
};
