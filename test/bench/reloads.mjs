/** Five reloads under the traffic of docs/guarantees.md, over TCP and over a unix socket. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startTraffic } from "../support/traffic/start.mjs";
import { failedCount } from "../support/traffic/tally.mjs";
import { APPS, startTsgate } from "./lib/servers.mjs";

const LINGER_MS = 1000;
const RELOADS = 5;

/** @type {import("./run.mjs").Benchmark} */
export async function reloads({ node }) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const socket = path.join(folder, "app.sock");
  const args = ["--linger", `${LINGER_MS}ms`, "--bind", `unix:${socket}`];
  const server = await startTsgate({ node, app: APPS.listener, workers: 4, args });
  try {
    return [
      await reloadUnderTraffic(server, "TCP", { host: "127.0.0.1", port: server.port }),
      await reloadUnderTraffic(server, "unix", { path: socket }),
    ];
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import("./lib/servers.mjs").Running} server
 * @param {string} transport
 * @param {import("../support/traffic/connection.mjs").Target} target
 */
async function reloadUnderTraffic(server, transport, target) {
  const traffic = await startTraffic({ target, lingerMs: LINGER_MS });
  try {
    await sleep(1000);
    for (let reload = 0; reload < RELOADS; reload += 1) {
      const before = count(server, "reload done");
      server.signal("SIGHUP");
      await untilLogged(server, "reload done", before + 1);
    }
    await sleep(3 * LINGER_MS);
    const tally = await traffic.stop();
    const failed = failedCount(tally);
    return {
      name: `five reloads under traffic over ${transport}: failed requests`,
      asked: "0",
      reached: `${failed} of ${tally.requests}`,
      isReached: failed === 0,
      details: { ...tally, byPid: undefined, failures: tally.failures.slice(0, 20) },
    };
  } finally {
    traffic.kill();
  }
}

/**
 * How often the server has logged `msg`.
 * @param {import("./lib/servers.mjs").Running} server
 * @param {string} msg
 */
function count(server, msg) {
  return server.output().split(`"msg":"${msg}"`).length - 1;
}

/**
 * @param {import("./lib/servers.mjs").Running} server
 * @param {string} msg
 * @param {number} times
 */
async function untilLogged(server, msg, times) {
  const endsAt = performance.now() + 60_000;
  while (count(server, msg) < times) {
    if (performance.now() > endsAt) throw new Error(`"${msg}" was not logged ${times} times\n${server.output()}`);
    await sleep(20);
  }
}
