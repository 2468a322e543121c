/**
 * Two thousand idle keep-alive connections that one worker has when a second comes: until each has its share, whether any is
 * closed, what other clients wait meanwhile, and the heartbeats.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startTraffic } from "../support/traffic/start.mjs";
import { failedCount } from "../support/traffic/tally.mjs";
import { othersNoticed } from "./lib/bystanders.mjs";
import { descriptorProblem } from "./lib/descriptors.mjs";
import { atMost, notMeasured } from "./lib/figures.mjs";
import { latestHeartbeat, recordHeartbeats } from "./lib/heartbeats.mjs";
import { startIdleCrowd } from "./lib/idle-crowd.mjs";
import { startTsgate } from "./lib/servers.mjs";

/** @typedef {import("./lib/figures.mjs").Figure} Figure */

const APP = fileURLToPath(new URL("apps/idle.mjs", import.meta.url));
const CONNECTIONS = 2000;
const DESCRIPTORS = CONNECTIONS + 500;
const LIMIT_MS = 120_000;

/** @type {import("./run.mjs").Benchmark} */
export async function evenedConnections({ node }) {
  const problem = descriptorProblem(DESCRIPTORS);
  if (problem !== undefined) return [notMeasured(`${CONNECTIONS} idle connections, 1 worker more`, problem)];
  return [
    ...(await grow(node, "gateway, engine", [APP, "--transport", "engine"])),
    ...(await grow(node, "(req, res), node:http", [`${APP}:listener`])),
  ];
}

/**
 * @param {string} node
 * @param {string} kind
 * @param {readonly [string, ...string[]]} command the application, and settings
 * @returns {Promise<Figure[]>}
 */
async function grow(node, kind, [app, ...settings]) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const file = path.join(folder, "heartbeats");
  const args = ["--keep-alive", "300s", ...settings];
  const server = await startTsgate({ node, app, workers: 1, args, env: recordHeartbeats(file) });
  /** @type {Awaited<ReturnType<typeof startIdleCrowd>> | undefined} */
  let crowd;
  /** @type {Awaited<ReturnType<typeof startTraffic>> | undefined} */
  let traffic;
  try {
    crowd = await startIdleCrowd({ port: server.port, count: CONNECTIONS });
    traffic = await startTraffic({ target: { host: "127.0.0.1", port: server.port }, lingerMs: 1000, idle: 0 });
    await sleep(3000);
    const startedAt = Date.now();
    server.signal("SIGTTIN");
    await evened(server);
    const tookMs = Date.now() - startedAt;
    const lateMs = await latestHeartbeat(file, startedAt, startedAt + tookMs);
    const tally = await traffic.stop();
    const after = await crowd.ask();
    const name = `${CONNECTIONS} idle connections, 1 worker more, ${kind}`;
    const lost = Math.max(CONNECTIONS - after.answered, after.closed);
    const failed = failedCount(tally);
    return [
      atMost(`${name}: closed, or not answered afterwards`, lost, 0, { unit: "", digits: 0, details: { ...after } }),
      atMost(`${name}: until each has its share`, tookMs / 1000, 20, { unit: "s", digits: 1 }),
      atMost(`${name}: other requests that failed`, failed, 0, { unit: "", digits: 0 }),
      ...othersNoticed(name, tally, lateMs),
    ];
  } finally {
    traffic?.kill();
    await crowd?.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {import("./lib/servers.mjs").Running} server */
async function evened(server) {
  const endsAt = performance.now() + LIMIT_MS;
  while (!server.output().includes("connections evened")) {
    if (performance.now() > endsAt) throw new Error(`not evened out after ${LIMIT_MS} ms\n${server.output()}`);
    await sleep(50);
  }
}
