/** CPU time a request on kept connections, of the whole tree, against a hand-written node:cluster. */

import { compareCpu } from "./lib/compare-cpu.mjs";
import { APPS, startCluster, startTsgate } from "./lib/servers.mjs";

const WORKERS = 4;

/** @type {import("./run.mjs").Benchmark} */
export async function keptConnections(options) {
  const load = { connections: 64, seconds: 2 };
  return againstCluster(options, load, "kept connections: CPU a request, node:cluster = 1", 1.03);
}

/**
 * One worker pool of each under the same load, in turns.
 * @param {import("./run.mjs").BenchmarkOptions} options
 * @param {Parameters<typeof compareCpu>[0]["load"]} load
 * @param {string} name
 * @param {number} limit
 */
export async function againstCluster({ node, rounds }, load, name, limit) {
  const pool = { node, app: APPS.listener, workers: WORKERS };
  return compareCpu({
    name,
    limit,
    rounds,
    load,
    ours: () => startTsgate(pool),
    theirs: () => startCluster(pool),
  });
}
