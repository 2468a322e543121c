/**
 * A hand-written master on node:cluster, as good as they are usually written: it replaces workers that die, waits
 * before it replaces one that never listened, reloads one worker at a time on SIGHUP (the new one listens before the
 * old one is told to go; one that does not come up ends the reload), and stops gracefully on SIGTERM.
 * `PORT=… node cluster.mjs PROGRAM WORKERS`.
 */

import cluster from "node:cluster";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

const [program = "", workers = ""] = process.argv.slice(2);
const BOOT_MS = 10_000;
const RETRY_MS = 1000;

let isStopping = false;
let isReloading = false;
/** Workers whose end is nobody's concern: they were told to go, or never came up in a reload. */
const dismissed = new WeakSet();
const listening = new WeakSet();

cluster.setupPrimary({ exec: program });
cluster.on("listening", (worker) => listening.add(worker));
cluster.on("exit", (worker, code, signal) => {
  if (isStopping) {
    if (Object.keys(cluster.workers ?? {}).length === 0) process.exit(0);
  } else if (!dismissed.has(worker)) {
    console.error(`worker ${worker.process.pid} died: ${signal ?? code}`);
    setTimeout(() => cluster.fork(), listening.has(worker) ? 0 : RETRY_MS);
  }
});
for (let index = 0; index < Number(workers); index += 1) cluster.fork();

process.on("SIGHUP", () => void reload());
process.on("SIGTERM", () => {
  isStopping = true;
  for (const worker of Object.values(cluster.workers ?? {})) if (worker !== undefined) retire(worker);
});

async function reload() {
  if (isReloading) return;
  isReloading = true;
  for (const old of Object.values(cluster.workers ?? {})) {
    if (old === undefined || isStopping) continue;
    const successor = cluster.fork();
    dismissed.add(successor);
    if (!(await comesUp(successor))) {
      console.error("reload abandoned: the new worker does not listen");
      successor.process.kill("SIGKILL");
      break;
    }
    dismissed.delete(successor);
    retire(old);
  }
  isReloading = false;
}

/** @param {import("node:cluster").Worker} worker */
async function comesUp(worker) {
  const over = new AbortController();
  const { signal } = over;
  const outcomes = [
    once(worker, "listening", { signal }).then(() => true),
    once(worker, "exit", { signal }).then(() => false),
    sleep(BOOT_MS, false, { signal }),
  ];
  const isUp = await Promise.race(outcomes);
  over.abort();
  await Promise.allSettled(outcomes);
  return isUp;
}

/** @param {import("node:cluster").Worker} worker */
function retire(worker) {
  dismissed.add(worker);
  if (worker.isConnected()) worker.send("shutdown");
}
