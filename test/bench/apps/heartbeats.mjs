/**
 * Preloaded into the master: writes into the file that BENCH_HEARTBEATS names, for each heartbeat, when it came and how
 * long after the one before of the same worker, in milliseconds.
 */

import { appendFileSync } from "node:fs";
import cluster from "node:cluster";

const { BENCH_HEARTBEATS: file, NODE_UNIQUE_ID: worker } = process.env;

if (file !== undefined && worker === undefined) {
  /** @type {Map<number, number>} */
  const last = new Map();
  cluster.on("message", (worker, message) => {
    if (message?.tsgate !== "heartbeat") return;
    const now = performance.now();
    const before = last.get(worker.id);
    last.set(worker.id, now);
    if (before !== undefined) appendFileSync(file, `${Date.now()} ${(now - before).toFixed(1)}\n`);
  });
}
