/** CPU time a request of Hono's hello world, against @hono/node-server: one serving process each, on a core of its own. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compareCpu } from "./lib/compare-cpu.mjs";
import { startScript, startTsgate } from "./lib/servers.mjs";

const PEERS = fileURLToPath(new URL("peers/", import.meta.url));

/** @type {import("./run.mjs").Benchmark} */
export async function fetchHandler({ node, rounds }) {
  if (!existsSync(`${PEERS}node_modules`)) await promisify(execFile)("npm", ["ci"], { cwd: PEERS });
  return compareCpu({
    name: "Hono's hello, one worker: CPU a request, @hono/node-server = 1",
    limit: 1.15,
    rounds,
    load: { connections: 64, seconds: 1, core: 1 },
    ours: () => startTsgate({ node, app: `${PEERS}hono-app.mjs`, workers: 1, core: 0 }),
    theirs: () => startScript({ node, script: `${PEERS}hono-node-server.mjs`, core: 0 }),
  });
}
