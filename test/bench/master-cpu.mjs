/** The master's own CPU while its workers answer about ten thousand requests a second. */

import { atMost } from "./lib/figures.mjs";
import { cpuMicros } from "./lib/proc.mjs";
import { APPS, startTsgate } from "./lib/servers.mjs";
import { load, needWrk } from "./lib/wrk.mjs";

const SECONDS = 10;

/** @type {import("./run.mjs").Benchmark} */
export async function masterCpu({ node }) {
  await needWrk();
  const server = await startTsgate({ node, app: APPS.listener, workers: 4 });
  try {
    await load(server.port, { connections: 64, seconds: 2 });
    const before = await cpuMicros([server.pid]);
    const result = await load(server.port, { connections: 64, seconds: SECONDS, pauseMs: 5 });
    const share = (((await cpuMicros([server.pid])) - before) / (SECONDS * 1e6)) * 100;
    const name = `master at ${Math.round(result.perSecond)} requests a second, of a core`;
    return [atMost(name, share, 1, { unit: "%", details: { ...result } })];
  } finally {
    await server.stop();
  }
}
