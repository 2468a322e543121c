/**
 * How long other clients wait for their replies while five hundred slow clients of one kind are connected, against how
 * long they wait without them: the 99th percentile, in turns on the same server.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { startTraffic } from "../support/traffic/start.mjs";
import { atMost, rounded } from "./lib/figures.mjs";
import { interleaved, medianRatio } from "./lib/rounds.mjs";
import { APPS, startTsgate } from "./lib/servers.mjs";
import { startCrowd } from "./lib/slow-crowd.mjs";

/** @typedef {import("./lib/servers.mjs").Running} Running */

const WORKERS = 2;
const COUNT = 500;
const LIMIT = 2;
const SECONDS = 4;

/** Each kind and what it asks for. */
const CROWDS = /** @type {const} */ ({
  "idle connect": "/",
  "head drip": "/",
  "body drip": "/",
  "slow read": "/big",
});

/** @type {import("./run.mjs").Benchmark} */
export async function slowClients({ node, rounds }) {
  const server = await startTsgate({ node, app: APPS.slowClients, workers: WORKERS });
  const kinds = /** @type {(keyof typeof CROWDS)[]} */ (Object.keys(CROWDS));
  try {
    const measured = await interleaved(rounds, {
      quiet: () => waitMs(server),
      ...Object.fromEntries(kinds.map((kind) => [kind, () => waitMsAmong(server, kind)])),
    });
    return kinds.map((kind) =>
      atMost(
        `other clients' p99 with ${COUNT} slow clients (${kind}), quiet = 1`,
        medianRatio(measured[kind] ?? [], measured["quiet"] ?? []),
        LIMIT,
        { unit: "×", details: { quietMs: rounded(measured["quiet"] ?? []), amongMs: rounded(measured[kind] ?? []) } },
      ),
    );
  } finally {
    await server.stop();
  }
}

/**
 * @param {Running} server
 * @param {keyof typeof CROWDS} kind
 */
async function waitMsAmong(server, kind) {
  const crowd = await startCrowd({ port: server.port, kind, count: COUNT, path: CROWDS[kind] });
  try {
    await calm(server);
    return await waitMs(server);
  } finally {
    await crowd.stop();
    await calm(server);
  }
}

/**
 * What they all do at once when they come and when they go is not what is measured.
 * @param {Running} server
 */
async function calm(server) {
  const PAUSE_MS = 250;
  const BUSY = 0.2;
  for (;;) {
    const before = await server.cpuMicros();
    await sleep(PAUSE_MS);
    if ((await server.cpuMicros()) - before < PAUSE_MS * 1000 * BUSY) return;
  }
}

/**
 * The 99th percentile of the time from request to reply.
 * @param {Running} server
 */
async function waitMs({ port }) {
  const traffic = await startTraffic({ target: { host: "127.0.0.1", port }, lingerMs: 50, idle: 0 });
  await sleep(SECONDS * 1000);
  const { latencyMs, outcomes, requests } = await traffic.stop();
  if (outcomes.ok !== requests) throw new Error(`${requests - outcomes.ok} requests failed`);
  return latencyMs.p99;
}
