/** From the start of the process to the first 200, four workers and an Express application, against plain Node. */

import { spawnSync } from "node:child_process";
import { atMost, rounded } from "./lib/figures.mjs";
import { interleaved, medianRatio } from "./lib/rounds.mjs";
import { APPS, startPlain, startTsgate } from "./lib/servers.mjs";

/** @type {import("./run.mjs").Benchmark} */
export async function startUp({ node, rounds }) {
  const app = APPS.express;
  const { ours, theirs } = await interleaved(rounds, {
    ours: () => startMs(startTsgate({ node, app, workers: 4 })),
    theirs: () => startMs(startPlain({ node, app })),
  });
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  const limit = version.startsWith("v20.") ? 2.4 : 2.0;
  const details = { tsgateMs: rounded(ours ?? []), plainMs: rounded(theirs ?? []) };
  return [
    atMost(`start to first 200, plain node = 1 (${version})`, medianRatio(ours ?? [], theirs ?? []), limit, {
      unit: "×",
      details,
    }),
  ];
}

/** @param {Promise<import("./lib/servers.mjs").Running>} starting */
async function startMs(starting) {
  const server = await starting;
  await server.stop();
  return server.startMs;
}
