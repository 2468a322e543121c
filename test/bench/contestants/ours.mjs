/** tsgate as it is shipped, and the engine alone; and what Node itself costs, which is the measure. */

import { freePort, start, startTsgate } from "../lib/servers.mjs";
import { engineModule } from "../lib/engine-module.mjs";
import { nodeVersion } from "./contestant.mjs";
import { appFile, NODE_PROGRAM } from "./files.mjs";

/** @typedef {import("./contestant.mjs").Contestant} Contestant */

const GATEWAY = appFile("gateway.mjs");
const FETCH = appFile("fetch.mjs");
const FLOOR = appFile("floor.cjs");
const ENGINE = appFile("engine.mjs");

const none = () => undefined;

/**
 * @param {string} name
 * @param {string} app
 * @param {readonly string[]} [args]
 * @returns {Contestant}
 */
const tsgate = (name, app, args = []) => ({
  name,
  how: ["tsgate --workers N", ...args, app.endsWith("fetch.mjs") ? "a fetch handler" : "a gateway application"].join(
    " ",
  ),
  problem: none,
  version: nodeVersion,
  hasWorkers: true,
  start: ({ node, workload, workers, core }) =>
    startTsgate({ node, app, workers, core, args, env: { WORKLOAD: workload } }),
  reload: (running) => running.signal("SIGHUP"),
});

/**
 * @param {string} name
 * @param {string} kind
 * @returns {Contestant}
 */
const engine = (name, kind) => ({
  name,
  how: `the engine of tsgate/http in one process, a ${kind} application`,
  problem: none,
  version: nodeVersion,
  start: async ({ node, workload, core }) => {
    const port = await freePort();
    const env = { WORKLOAD: workload, PORT: String(port) };
    return await start(node, [ENGINE, await engineModule(), kind], port, 1, { core, env });
  },
});

/**
 * @param {string} name
 * @param {string} how
 * @param {string} script
 * @returns {Contestant}
 */
const script = (name, how, script) => ({
  name,
  how,
  problem: none,
  version: nodeVersion,
  start: async ({ node, workload, core }) => {
    const port = await freePort();
    return await start(node, [script], port, 1, { core, env: { WORKLOAD: workload, PORT: String(port) } });
  },
});

const ON_ENGINE = ["--transport", "engine"];
const ON_NODE_HTTP = ["--transport", "node"];
/** What shows best what the transport makes out. */
const OF_TRANSPORTS = ["hello", "varied", "json", "stream", "fresh"];

/** @type {readonly Contestant[]} */
export const OURS = [
  tsgate("tsgate, gateway", GATEWAY, ON_ENGINE),
  tsgate("tsgate, fetch", FETCH, ON_ENGINE),
  { ...tsgate("tsgate, native fetch", FETCH, [...ON_ENGINE, "--native-fetch"]), workloads: OF_TRANSPORTS },
  { ...tsgate("tsgate on node:http, gateway", GATEWAY, ON_NODE_HTTP), workloads: OF_TRANSPORTS },
  { ...tsgate("tsgate on node:http, fetch", FETCH, ON_NODE_HTTP), workloads: OF_TRANSPORTS },
  engine("engine, gateway", "gateway"),
  engine("engine, fetch", "fetch"),
];

/** @type {readonly Contestant[]} */
export const NODE_ITSELF = [
  {
    ...script("net, constant reply", "a constant reply over net, nothing is parsed: the floor of Node", FLOOR),
    workloads: ["hello", "browser", "varied", "fresh", "crowd"],
  },
  script("node:http", "one process, every limit as Node has it", NODE_PROGRAM),
];
