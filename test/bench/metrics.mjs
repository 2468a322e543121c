/**
 * What it costs to watch: CPU time a request with the operator's endpoints on against off, and with everything that
 * operators can switch on, on a core of their own; how soon the status is there while every worker is saturated; and the master's CPU at ten thousand requests a second, asked
 * for both once a second.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compareCpu } from "./lib/compare-cpu.mjs";
import { atMost, rounded } from "./lib/figures.mjs";
import { cpuMicros } from "./lib/proc.mjs";
import { APPS, freePort, startTsgate } from "./lib/servers.mjs";
import { load } from "./lib/wrk.mjs";

const SECONDS = 10;
const ASK_EVERY_MS = 50;

/** @type {import("./run.mjs").Benchmark} */
export async function metrics({ node, rounds }) {
  const pool = { node, app: APPS.listener, workers: 2, core: 0 };
  const cost = await compareCpu({
    name: "metrics on: CPU a request, off = 1",
    limit: 1.05,
    rounds,
    load: { connections: 64, seconds: 1, core: 1 },
    ours: async () => startTsgate({ ...pool, args: ["--admin-bind", `127.0.0.1:${await freePort()}`] }),
    theirs: () => startTsgate(pool),
  });
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const everything = async () => [
    "--capture-output",
    `--admin-bind=127.0.0.1:${await freePort()}`,
    `--access-logfile=${path.join(folder, "access.log")}`,
    `--control-socket=${path.join(folder, "control.sock")}`,
  ];
  try {
    const all = await compareCpu({
      name: "endpoints, access log, request ids, control socket and captured output on: CPU a request, off = 1",
      limit: 1.08,
      rounds,
      load: { connections: 64, seconds: 1, core: 1 },
      ours: async () => startTsgate({ ...pool, args: await everything() }),
      theirs: () => startTsgate(pool),
    });
    return [...cost, ...all, await statusWhileSaturated(node), await masterWhileAsked(node)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} node */
async function statusWhileSaturated(node) {
  const { server, admin } = await start(node);
  try {
    const busy = load(server.port, { connections: 256, seconds: SECONDS });
    const tookMs = await askEvery(ASK_EVERY_MS, `${admin}/status.json`, busy);
    const name = "/status.json while every worker is saturated, 99 of 100 times";
    const p99 = tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN;
    const half = tookMs[Math.floor(tookMs.length / 2)] ?? Number.NaN;
    const details = {
      asked: tookMs.length,
      median: rounded([half]),
      slowest: rounded(tookMs.slice(-3)),
      ...(await busy),
    };
    return atMost(name, p99, 20, { unit: "ms", digits: 1, details });
  } finally {
    await server.stop();
  }
}

/** @param {string} node */
async function masterWhileAsked(node) {
  const { server, admin } = await start(node);
  try {
    await load(server.port, { connections: 64, seconds: 2 });
    const before = await cpuMicros([server.pid]);
    const busy = load(server.port, { connections: 64, seconds: SECONDS, pauseMs: 5 });
    await Promise.all([askEvery(1000, `${admin}/status.json`, busy), askEvery(1000, `${admin}/metrics`, busy)]);
    const result = await busy;
    const share = (((await cpuMicros([server.pid])) - before) / (SECONDS * 1e6)) * 100;
    const name = `master at ${Math.round(result.perSecond)} requests a second, asked once a second, of a core`;
    return atMost(name, share, 2, { unit: "%", details: { ...result } });
  } finally {
    await server.stop();
  }
}

/** @param {string} node */
async function start(node) {
  const port = await freePort();
  const args = ["--admin-bind", `127.0.0.1:${port}`];
  return {
    server: await startTsgate({ node, app: APPS.listener, workers: 4, args }),
    admin: `http://127.0.0.1:${port}`,
  };
}

/**
 * Asks again and again until `end`; how long each reply took, the quickest first.
 * @param {number} everyMs
 * @param {string} url
 * @param {Promise<unknown>} end
 */
async function askEvery(everyMs, url, end) {
  const state = { isOver: false };
  void end.finally(() => (state.isOver = true));
  /** @type {number[]} */
  const tookMs = [];
  while (!state.isOver) {
    const askedAt = performance.now();
    const reply = await fetch(url);
    if (reply.status !== 200) throw new Error(`${url}: ${reply.status}`);
    await reply.arrayBuffer();
    tookMs.push(performance.now() - askedAt);
    await sleep(everyMs);
  }
  return tookMs.sort((a, b) => a - b);
}
