/** What an idle keep-alive connection takes of a worker's memory, when nothing is left to collect. */

import { fileURLToPath } from "node:url";
import { startIdleCrowd } from "./lib/idle-crowd.mjs";
import { atMost, rounded } from "./lib/figures.mjs";
import { engineModule } from "./lib/engine-module.mjs";
import { median } from "./lib/rounds.mjs";
import { startScript, startTsgate } from "./lib/servers.mjs";

const IDLE = fileURLToPath(new URL("apps/idle.mjs", import.meta.url));
const ENGINE = fileURLToPath(new URL("apps/workloads/engine.mjs", import.meta.url));
const CONNECTIONS = 5000;
/** So that what grows once has grown. */
const WARM_UP = 500;
const ROUNDS = 3;
const LIMIT_KB = 5.5;

/** @typedef {import("./lib/servers.mjs").Running} Running */

/** @type {import("./run.mjs").Benchmark} */
export async function connectionMemory({ node, rounds }) {
  const args = ["--keep-alive", "120s"];
  const module = await engineModule();
  /** @type {Record<string, () => Promise<Running>>} */
  const servers = {
    "the engine alone": () =>
      startScript({ node, script: ENGINE, args: [module, "gateway"], env: { WORKLOAD: "idle" } }),
    "a worker, gateway": () => startTsgate({ node, app: IDLE, workers: 1, args }),
    "a worker, (req, res)": () => startTsgate({ node, app: `${IDLE}:listener`, workers: 1, args }),
  };
  const figures = [];
  for (const [name, start] of Object.entries(servers)) {
    const values = [];
    for (let round = 0; round < Math.min(rounds, ROUNDS); round += 1) values.push(await measure(start));
    figures.push(
      atMost(`an idle keep-alive connection: ${name}`, median(values), LIMIT_KB, {
        unit: "KB",
        details: { rounds: rounded(values) },
      }),
    );
  }
  return figures;
}

/** In KB of 1,000 bytes. @param {() => Promise<Running>} start */
async function measure(start) {
  const server = await start();
  try {
    await (await startIdleCrowd({ port: server.port, count: WARM_UP })).stop();
    const before = await residentBytes(server);
    const crowd = await startIdleCrowd({ port: server.port, count: CONNECTIONS });
    try {
      return ((await residentBytes(server)) - before) / CONNECTIONS / 1000;
    } finally {
      await crowd.stop();
    }
  } finally {
    await server.stop();
  }
}

/** @param {Running} server */
async function residentBytes({ port }) {
  return Number(await (await fetch(`http://127.0.0.1:${port}/memory`)).text());
}
