/**
 * How evenly 200 connections that are opened 5 ms apart spread over 4 workers, beside a socket that node:cluster's workers
 * share and nobody watches; and what the watching costs where connections are short.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { connect, Connection } from "../support/traffic/connection.mjs";
import { atMost } from "./lib/figures.mjs";
import { cpuMicros } from "./lib/proc.mjs";
import { interleaved, median } from "./lib/rounds.mjs";
import { APPS, startCluster, startTsgate } from "./lib/servers.mjs";
import { load, needWrk } from "./lib/wrk.mjs";

const WORKERS = 4;
const CONNECTIONS = 200;
const EVERY_MS = 5;
/** One after another, so slow that every worker is idle when the next one comes. */
const SLOWLY_MS = 50;
const LOAD = { connections: 64, seconds: 5, closes: true };

/** @type {import("./run.mjs").Benchmark} */
export async function evenLoad({ node, rounds }) {
  await needWrk();
  const pool = { node, app: APPS.listener, workers: WORKERS };
  const tsgate = await startTsgate({ ...pool, args: ["--log-level", "debug"] });
  const plain = await startCluster({ ...pool, isShared: true });
  try {
    const spreads = await interleaved(rounds, {
      tsgate: () => spread(tsgate.port, EVERY_MS),
      slowly: () => spread(tsgate.port, SLOWLY_MS),
      plain: () => spread(plain.port, EVERY_MS),
    });
    return [
      ...["tsgate", "slowly"].map((name) => spreadFigure(name, spreads[name] ?? [], spreads["plain"] ?? [])),
      await costFigure(tsgate),
    ];
  } finally {
    await Promise.all([tsgate.stop(), plain.stop()]);
  }
}

/**
 * Opens connections that stay open; resolves with how many each worker has, the most first, and closes them.
 * @param {number} port
 * @param {number} everyMs
 */
async function spread(port, everyMs) {
  const target = { host: "127.0.0.1", port };
  const startedAt = performance.now();
  /** @type {Promise<Connection>[]} */
  const opened = [];
  for (let index = 0; index < CONNECTIONS; index += 1) {
    opened.push(answered(target));
    await sleep(Math.max(0, startedAt + (index + 1) * everyMs - performance.now()));
  }
  /** @type {Map<number | undefined, number>} */
  const held = new Map();
  const connections = await Promise.all(opened);
  for (const { lastPid } of connections) held.set(lastPid, (held.get(lastPid) ?? 0) + 1);
  for (const connection of connections) connection.close();
  // Until the workers have seen it.
  await sleep(200);
  return [...held.values(), ...Array.from({ length: WORKERS - held.size }, () => 0)].sort((a, b) => b - a);
}

/** @param {import("../support/traffic/connection.mjs").Target} target */
async function answered(target) {
  const connection = await connect(target, { timeoutMs: 10_000, onIdleEvent: () => {} });
  if (!(connection instanceof Connection)) throw new Error(`${connection.outcome} ${connection.detail}`);
  const { outcome, detail } = await connection.request({});
  if (outcome !== "ok") throw new Error(`${outcome} ${detail}`);
  return connection;
}

/**
 * @param {string} name
 * @param {readonly (readonly number[])[]} spreads
 * @param {readonly (readonly number[])[]} plain
 */
function spreadFigure(name, spreads, plain) {
  const pause = name === "slowly" ? SLOWLY_MS : EVERY_MS;
  const mean = CONNECTIONS / WORKERS;
  const most = spreads.map((held) => Math.max(...held) / mean);
  const title = `${CONNECTIONS} connections ${pause} ms apart over ${WORKERS} workers: the most one holds, mean = 1`;
  return atMost(title, Math.max(...most), 1.25, {
    unit: "×",
    details: {
      median: median(most),
      least: Math.min(...spreads.map((held) => Math.min(...held) / mean)),
      spreads: spreads.map((held) => held.join(" ")),
      unwatched: plain.map((held) => held.join(" ")),
      unwatchedMost: Math.max(...plain.map((held) => Math.max(...held) / mean)),
      unwatchedLeast: Math.min(...plain.map((held) => Math.min(...held) / mean)),
    },
  });
}

/**
 * Fresh connections at full speed: what the master does then beyond what it always does. It does as much for balance as
 * the workers do, so that counts twice.
 * @param {import("./lib/servers.mjs").Running} server
 */
async function costFigure(server) {
  const idleBefore = await cpuMicros([server.pid]);
  await sleep(LOAD.seconds * 1000);
  const idle = (await cpuMicros([server.pid])) - idleBefore;
  const before = { master: await cpuMicros([server.pid]), all: await server.cpuMicros(), pauses: pausesOf(server) };
  const result = await load(server.port, LOAD);
  const master = (await cpuMicros([server.pid])) - before.master;
  const all = (await server.cpuMicros()) - before.all;
  const title = `fresh connections at ${Math.round(result.perSecond)} a second: balance, of the CPU time`;
  return atMost(title, (Math.max(0, 2 * (master - idle)) / all) * 100, 1, {
    unit: "%",
    details: {
      idleMasterMs: Math.round(idle / 1000),
      masterMs: Math.round(master / 1000),
      allMs: Math.round(all / 1000),
      pauses: pausesOf(server) - before.pauses,
      errors: result.errors,
    },
  });
}

/** @param {import("./lib/servers.mjs").Running} server */
function pausesOf(server) {
  return server.output().split('"worker paused"').length - 1;
}
