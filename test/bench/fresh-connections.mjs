/** CPU time a request when every request has a connection of its own, against node:cluster's default dispatch. */

import { againstCluster } from "./kept-connections.mjs";

/** @type {import("./run.mjs").Benchmark} */
export async function freshConnections(options) {
  const load = { connections: 64, seconds: 2, closes: true };
  return againstCluster(options, load, "fresh connections: CPU a request, node:cluster = 1", 0.65);
}
