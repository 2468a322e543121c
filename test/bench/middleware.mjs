/** What a stack of five small middlewares adds to the CPU time of a request. */

import { atMost, rounded } from "./lib/figures.mjs";
import { interleaved, median } from "./lib/rounds.mjs";
import { APPS, startTsgate } from "./lib/servers.mjs";
import { cpuPerRequest, needWrk } from "./lib/wrk.mjs";

/** @type {import("./run.mjs").Benchmark} */
export async function middleware({ node, rounds }) {
  await needWrk();
  const [stacked, bare] = await Promise.all(
    [APPS.gatewayStacked, APPS.gateway].map((app) => startTsgate({ node, app, workers: 1, core: 0 })),
  );
  if (stacked === undefined || bare === undefined) throw new Error("two servers were started");
  try {
    const load = { connections: 64, seconds: 1, core: 1 };
    const results = await interleaved(rounds, {
      stacked: async () => (await cpuPerRequest(stacked, load)).micros,
      bare: async () => (await cpuPerRequest(bare, load)).micros,
    });
    const withStack = results["stacked"] ?? [];
    const without = results["bare"] ?? [];
    const added = median(withStack.map((micros, round) => micros - (without[round] ?? Number.NaN)));
    const details = { withStack: rounded(withStack), without: rounded(without) };
    return [atMost("five small middlewares: CPU added to a request", added, 3, { unit: "µs", details })];
  } finally {
    await Promise.all([stacked.stop(), bare.stop()]);
  }
}
