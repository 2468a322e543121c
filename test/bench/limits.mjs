/** What the limits and timeouts that are on by default add to the CPU time of a request, on the engine alone. */

import { appFile } from "./contestants/files.mjs";
import { compareCpu } from "./lib/compare-cpu.mjs";
import { engineModule } from "./lib/engine-module.mjs";
import { startScript } from "./lib/servers.mjs";
import { BROWSER } from "./lib/workloads.mjs";

/** @type {import("./run.mjs").Benchmark} */
export async function limits({ node, rounds }) {
  const args = [await engineModule(), "gateway"];
  /** @param {Record<string, string>} env */
  const start = (env) => startScript({ node, script: appFile("engine.mjs"), args, core: 0, env });
  return await compareCpu({
    name: "every limit on, 12 browser headers: CPU a request, every limit off = 1",
    limit: 1.03,
    // The two differ by less than rounds do.
    rounds: 2 * rounds,
    load: { connections: 64, seconds: 1, core: 1, headers: BROWSER },
    ours: () => start({}),
    theirs: () => start({ LIMITS: "off" }),
  });
}
