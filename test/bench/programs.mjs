/**
 * CPU time a request of a program that listens by itself, against the same program in a hand-written node:cluster. The
 * servers on one core and the client on another: what the two differ by is less than what moving between cores costs.
 */

import { compareCpu } from "./lib/compare-cpu.mjs";
import { APPS, startClusterProgram, startTsgate } from "./lib/servers.mjs";

/** @type {import("./run.mjs").Benchmark} */
export async function programs({ node, rounds }) {
  const pool = { node, app: APPS.program, workers: 2, core: 0 };
  return compareCpu({
    name: "a program's kept connections: CPU a request, node:cluster = 1",
    limit: 1.02,
    rounds,
    load: { connections: 64, seconds: 1, core: 1 },
    ours: () => startTsgate(pool),
    theirs: () => startClusterProgram(pool),
  });
}
