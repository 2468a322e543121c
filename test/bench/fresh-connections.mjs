/** CPU time a request when every request has a connection of its own, against node:cluster's default dispatch. */

import { compare } from "./kept-connections.mjs";
import { interleaved } from "./lib/rounds.mjs";
import { APPS, startCluster, startTsgate } from "./lib/servers.mjs";
import { cpuPerRequest, needWrk } from "./lib/wrk.mjs";

const WORKERS = 4;
const LOAD = { connections: 64, seconds: 2, closes: true };

/** @type {import("./run.mjs").Benchmark} */
export async function freshConnections({ node, rounds }) {
  await needWrk();
  const options = { node, app: APPS.listener, workers: WORKERS };
  const tsgate = await startTsgate(options);
  const cluster = await startCluster(options);
  try {
    const { ours, theirs } = await interleaved(rounds, {
      ours: () => cpuPerRequest(tsgate, LOAD),
      theirs: () => cpuPerRequest(cluster, LOAD),
    });
    return [compare("fresh connections: CPU a request, node:cluster = 1", 0.65, ours ?? [], theirs ?? [])];
  } finally {
    await Promise.all([tsgate.stop(), cluster.stop()]);
  }
}
