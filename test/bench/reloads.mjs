/** Reloads under the traffic of docs/guarantees.md, over TCP and over a unix socket: five, or a hundred. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startTraffic } from "../support/traffic/start.mjs";
import { failedCount } from "../support/traffic/tally.mjs";
import { APPS, startTsgate } from "./lib/servers.mjs";

const LINGER_MS = 1000;
const FEW = { reloads: 5, requests: 0 };
/** Some twenty minutes in all; only run when it is asked for by its name. */
const MANY = { reloads: 100, requests: 1_000_000 };

/** @typedef {import("./lib/figures.mjs").Figure} Figure */
/** @typedef {import("../support/traffic/connection.mjs").Target} Target */
/** @typedef {{ reloads: number, requests: number }} Amount at least so many reloads, and so many requests */

/** @type {import("./run.mjs").Benchmark} */
export async function reloads({ node }) {
  return withServer(node, async (server, targets) => {
    const figures = [];
    for (const [transport, target] of targets)
      figures.push(
        figureOf(`five reloads under traffic over ${transport}`, await reloadUnderTraffic(server, [target], FEW)),
      );
    return figures;
  });
}

/** @type {import("./run.mjs").Benchmark} */
export async function hundredReloads({ node }) {
  return withServer(node, async (server, targets) => {
    const tallies = await reloadUnderTraffic(
      server,
      targets.map(([, target]) => target),
      MANY,
    );
    return [figureOf("a hundred reloads under traffic over TCP and unix at once", tallies)];
  });
}

/**
 * @param {string} node
 * @param {(server: import("./lib/servers.mjs").Running, targets: [string, Target][]) => Promise<Figure[]>} measure
 */
async function withServer(node, measure) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const socket = path.join(folder, "app.sock");
  const args = ["--linger", `${LINGER_MS}ms`, "--bind", `unix:${socket}`];
  const server = await startTsgate({ node, app: APPS.listener, workers: 4, args });
  try {
    return await measure(server, [
      ["TCP", { host: "127.0.0.1", port: server.port }],
      ["unix", { path: socket }],
    ]);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * One client a target at the same time.
 * @param {import("./lib/servers.mjs").Running} server
 * @param {Target[]} targets
 * @param {Amount} amount
 */
async function reloadUnderTraffic(server, targets, { reloads, requests }) {
  const clients = await Promise.all(targets.map((target) => startTraffic({ target, lingerMs: LINGER_MS })));
  const counted = async () => {
    const tallies = await Promise.all(clients.map((client) => client.snapshot()));
    return tallies.reduce((sum, tally) => sum + tally.requests, 0);
  };
  try {
    await sleep(1000);
    for (let reload = 0; reload < reloads || (await counted()) < requests; reload += 1) {
      const before = count(server, "reload done");
      server.signal("SIGHUP");
      await untilLogged(server, "reload done", before + 1);
    }
    await sleep(3 * LINGER_MS);
    return await Promise.all(clients.map((client) => client.stop()));
  } finally {
    for (const client of clients) client.kill();
  }
}

/**
 * @param {string} name
 * @param {import("../support/traffic/tally.mjs").Tally[]} tallies
 * @returns {Figure}
 */
function figureOf(name, tallies) {
  const failed = tallies.reduce((sum, tally) => sum + failedCount(tally), 0);
  const requests = tallies.reduce((sum, tally) => sum + tally.requests, 0);
  return {
    name: `${name}: failed requests`,
    asked: "0",
    reached: `${failed} of ${requests}`,
    isReached: failed === 0,
    details: {
      tallies: tallies.map((tally) => ({ ...tally, byPid: undefined, failures: tally.failures.slice(0, 20) })),
    },
  };
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
