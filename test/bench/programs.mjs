/** CPU time a request of a program that listens by itself, against the same program in a hand-written node:cluster. */

import { compareCpu } from "./lib/compare-cpu.mjs";
import { APPS, startClusterProgram, startTsgate } from "./lib/servers.mjs";

const WORKERS = 4;

/** @type {import("./run.mjs").Benchmark} */
export async function programs({ node, rounds }) {
  const pool = { node, app: APPS.program, workers: WORKERS };
  return compareCpu({
    name: "a program's kept connections: CPU a request, node:cluster = 1",
    limit: 1.02,
    rounds,
    load: { connections: 64, seconds: 2 },
    ours: () => startTsgate(pool),
    theirs: () => startClusterProgram(pool),
  });
}
