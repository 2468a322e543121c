/**
 * Many slow clients of one kind in a process of their own; who is cut comes again. Run as a script it is that process:
 * its parent sends the options, is told when all are there, and ends it.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SlowClient } from "../../support/traffic/slow-client.mjs";

/** @typedef {import("../../support/traffic/slow-client.mjs").SlowKind} SlowKind */
/** @typedef {{ port: number, kind: SlowKind, count: number, path: string }} CrowdOptions */

const FILE = fileURLToPath(import.meta.url);
/** So that those who are cut together do not come back together. */
const BACK_AFTER_MS = 500;
/** They come spread over the time between two of their drips, as clients do that know nothing of each other. */
const COME_WITHIN_MS = 1000;

/**
 * Resolves when all of them are connected and have begun, or after `patienceMs`: some servers never get to it.
 * @param {CrowdOptions & { patienceMs?: number }} options
 * @returns {Promise<{ stop: () => Promise<void> }>}
 */
export async function startCrowd({ patienceMs = 2 ** 31 - 1, ...options }) {
  const child = fork(FILE, [], { execArgv: [], env: {} });
  child.send(options);
  await Promise.race([once(child, "message"), sleep(patienceMs, undefined, { ref: false })]);
  return {
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** @param {CrowdOptions} options */
async function gather({ port, kind, count, path }) {
  const target = { host: "127.0.0.1", port };
  const come = () => {
    const client = new SlowClient(target, kind, { path });
    void client.ended.then(() => setTimeout(() => void come(), Math.random() * BACK_AFTER_MS));
    return client.connected;
  };
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      await sleep((index / count) * COME_WITHIN_MS);
      await come();
    }),
  );
  process.send?.("there");
}

if (process.argv[1] === FILE) {
  process.on("message", (/** @type {CrowdOptions} */ options) => void gather(options));
  process.on("disconnect", () => process.exit());
}
