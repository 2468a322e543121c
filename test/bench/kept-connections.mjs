/** CPU time a request on kept connections, of the whole tree, against a hand-written node:cluster. */

import { atMost, rounded } from "./lib/figures.mjs";
import { interleaved, lowerQuartile, median, medianRatio } from "./lib/rounds.mjs";
import { APPS, startCluster, startTsgate } from "./lib/servers.mjs";
import { cpuPerRequest, needWrk } from "./lib/wrk.mjs";

const WORKERS = 4;

/** @type {import("./run.mjs").Benchmark} */
export async function keptConnections(options) {
  const load = { connections: 64, seconds: 2 };
  return againstCluster(options, load, "kept connections: CPU a request, node:cluster = 1", 1.03);
}

/**
 * One worker pool of each under the same load, in turns.
 * @param {import("./run.mjs").BenchmarkOptions} options
 * @param {Parameters<typeof cpuPerRequest>[1]} load
 * @param {string} name
 * @param {number} limit
 */
export async function againstCluster({ node, rounds }, load, name, limit) {
  await needWrk();
  const pool = { node, app: APPS.listener, workers: WORKERS };
  const tsgate = await startTsgate(pool);
  const cluster = await startCluster(pool);
  try {
    const { ours, theirs } = await interleaved(rounds, {
      ours: () => cpuPerRequest(tsgate, load),
      theirs: () => cpuPerRequest(cluster, load),
    });
    return [compare(name, limit, ours ?? [], theirs ?? [])];
  } finally {
    await Promise.all([tsgate.stop(), cluster.stop()]);
  }
}

/**
 * @param {string} name
 * @param {number} limit
 * @param {readonly { micros: number, perSecond: number, errors: number }[]} ours
 * @param {typeof ours} theirs
 */
function compare(name, limit, ours, theirs) {
  const [mine = [], other = []] = [ours, theirs].map((results) => results.map(({ micros }) => micros));
  return atMost(name, medianRatio(mine, other), limit, {
    unit: "×",
    digits: 3,
    details: {
      tsgateMicros: rounded(mine),
      clusterMicros: rounded(other),
      tsgatePerSecond: Math.round(median(ours.map(({ perSecond }) => perSecond))),
      clusterPerSecond: Math.round(median(theirs.map(({ perSecond }) => perSecond))),
      // On a busy machine the quieter rounds say more than the middle one.
      lowerQuartileRatio: Math.round((lowerQuartile(mine) / lowerQuartile(other)) * 1000) / 1000,
      errors: [...ours, ...theirs].reduce((sum, { errors }) => sum + errors, 0),
    },
  });
}
