/**
 * Memory of an idle server: the master's resident size, and what a worker costs above the same application in a plain
 * process that has entered Node's ESM loader. Both kinds run side by side, so that shared pages are shared alike.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { atMost, rounded } from "./lib/figures.mjs";
import { memory } from "./lib/proc.mjs";
import { median } from "./lib/rounds.mjs";
import { APPS, startPlain, startTsgate } from "./lib/servers.mjs";

const WORKERS = 4;
const SETTLE_MS = 3000;

/** @type {import("./run.mjs").Benchmark} */
export async function idleMemory({ node, rounds }) {
  /** @type {{ master: number, workers: number[], plain: number[] }[]} */
  const results = [];
  for (let round = 0; round < Math.min(rounds, 3); round += 1) results.push(await measure(node));
  const master = median(results.map((result) => result.master));
  const worker = median(results.map((result) => median(result.workers)));
  const plain = median(results.map((result) => median(result.plain)));
  const details = results.map((result) => ({
    master: rounded([result.master]),
    workers: rounded(result.workers),
    plain: rounded(result.plain),
  }));
  return [
    atMost("idle master with 4 workers, resident", master, 65, { unit: "MB", digits: 1 }),
    atMost("a worker's PSS above the plain process", worker - plain, 6, {
      unit: "MB",
      digits: 1,
      details: { rounds: details },
    }),
  ];
}

/** @param {string} node */
async function measure(node) {
  const app = APPS.listener;
  const tsgate = await startTsgate({ node, app, workers: WORKERS });
  const plain = await Promise.all(
    Array.from({ length: WORKERS }, () => startPlain({ node, app, nodeArgs: ["--import", APPS.empty] })),
  );
  try {
    await sleep(SETTLE_MS);
    const workers = (await tsgate.pids()).filter((pid) => pid !== tsgate.pid);
    return {
      master: (await memory(tsgate.pid)).rss,
      workers: await Promise.all(workers.map(async (pid) => (await memory(pid)).pss)),
      plain: await Promise.all(plain.map(async ({ pid }) => (await memory(pid)).pss)),
    };
  } finally {
    await Promise.all([tsgate, ...plain].map((server) => server.stop()));
  }
}
