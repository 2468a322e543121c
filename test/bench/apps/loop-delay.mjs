/**
 * Preloaded into the master: writes into the file that BENCH_LOOP_DELAY names how much CPU time the process used between
 * two turns of its event loop, where that was more than a millisecond. On a busy machine the time that passes says
 * little of the master: others may have the processors.
 */

import { appendFileSync } from "node:fs";

const EVERY_MS = 2;
const { BENCH_LOOP_DELAY: file, NODE_UNIQUE_ID: worker } = process.env;

if (file !== undefined && worker === undefined) {
  let before = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    const usedMs = (user + system) / 1000;
    if (usedMs > 1) appendFileSync(file, `${Date.now()} ${usedMs.toFixed(1)}\n`);
    before = process.cpuUsage();
  }, EVERY_MS).unref();
}
