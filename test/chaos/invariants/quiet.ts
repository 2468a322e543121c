/** What a server that has come to rest is like: as many workers as are wanted, no other process, the newest good version. */

import { setTimeout as sleep } from "node:timers/promises";
import { requestOnce } from "../../support/traffic/connection.mjs";
import type { Tsgate } from "../../support/tsgate.ts";
import { TIMES, versionName } from "../deployments.ts";
import { Violation } from "../violation.ts";
import { BOOT_BOUND_MS, REPLY_TIMEOUT_MS } from "../world.ts";
import type { World } from "../world.ts";
import { backoffMs } from "./pool.ts";

/** A quiet moment is one that lasts. */
const QUIET_FOR_MS = 150;
const PROBES_A_WORKER = 4;
const BUSY_MS = 10;
const LOOKS = 10;

/** Waits until `target` workers are ready and nobody boots or drains, at most as long as back-off and drains may take. */
export async function untilQuiet({ server, patience }: World, target: number): Promise<void> {
  const startedAt = Date.now();
  const backoff = backoffMs(server.records, startedAt);
  let quietSince: number | undefined;
  for (;;) {
    expectRunning(server);
    const { booting, ready, draining } = newestCounts(server);
    const isQuiet = ready === target && booting + draining === 0;
    if (!isQuiet) quietSince = undefined;
    else if (Date.now() - (quietSince ??= Date.now()) >= QUIET_FOR_MS) return;
    const waitedMs = Date.now() - startedAt;
    const drainMs = draining > 0 ? TIMES.gracefulTimeout : 0;
    if (!isQuiet && waitedMs > patience * (backoff + BOOT_BOUND_MS + drainMs)) {
      const pool = `${ready} of ${target} workers are ready, ${booting} boot and ${draining} drain`;
      throw new Violation("workers", `${pool}, ${waitedMs} ms after the last event`);
    }
    await sleep(10);
  }
}

/** Looks again, when it was quiet once more, at what was wrong while the pool moved: workers may be recycled at any time. */
export async function whileStill(world: World, target: number, look: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const changes = changesOf(world);
    try {
      return await look();
    } catch (error) {
      if (changesOf(world) === changes || attempt === LOOKS) throw error;
      await untilQuiet(world, target);
    }
  }
}

/** The master and its ready workers are all there is. */
export async function expectOwnProcesses(world: World): Promise<void> {
  const expected = [world.server.pid, ...world.readyWorkers()].toSorted();
  const found = (await world.server.processes()).toSorted();
  if (found.join() === expected.join()) return;
  throw new Violation("process", `there are processes ${found.join(", ")}, and were to be ${expected.join(", ")}`);
}

/**
 * Whoever answers answers with the newest good version. They are asked all at once, and a reply keeps the loop of whoever
 * gives it: one after the other, the one that the kernel wakes first might answer them all. A worker that accepts nothing
 * for a while, because it holds its share, is known by the log alone.
 */
export async function expectVersion(world: World, version: number): Promise<void> {
  expectNoneLeft(world);
  const probes = Array.from({ length: world.readyWorkers().length * PROBES_A_WORKER }, async (_, probe) =>
    requestOnce(world.target(probe), { path: `/?busy=${BUSY_MS}` }, { timeoutMs: REPLY_TIMEOUT_MS }),
  );
  for (const { outcome, detail, reply } of await Promise.all(probes)) {
    if (outcome !== "ok") throw new Violation("request", `a request to a quiet server ended as ${outcome} (${detail})`);
    const served = reply?.headers.get("x-version");
    if (served !== versionName(version))
      throw new Violation("version", `${served} is served, and the newest good version is ${versionName(version)}`);
  }
}

/** No ready worker is older than the reload that is done. */
function expectNoneLeft(world: World): void {
  const { server } = world;
  const done = server.log.all("reload done").at(-1)?.generation ?? 0;
  const ready = new Set(world.readyWorkers());
  const left = server.log.all(({ msg, pid }) => msg === "worker ready" && ready.has(Number(pid)));
  const old = left.find(({ generation }) => Number(generation) < done);
  if (old !== undefined)
    throw new Violation("version", `worker ${old.pid} of generation ${old["generation"]} is left, and ${done} is done`);
}

/** How often the pool has changed so far. */
function changesOf({ server }: World): number {
  return server.records.filter(({ msg }) => msg.startsWith("worker ")).length;
}

function expectRunning({ exit }: Tsgate): void {
  if (exit !== undefined) throw new Violation("exit", `the server ended by itself with ${exit.signal ?? exit.code}`);
}

function newestCounts({ records }: Tsgate): Record<"booting" | "ready" | "draining", number> {
  const newest = records.findLast((record) => typeof record["ready"] === "number");
  const count = (name: string): number => Number(newest?.[name] ?? 0);
  return { booting: count("booting"), ready: count("ready"), draining: count("draining") };
}
