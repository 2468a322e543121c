/** Other servers for applications of Node: of processes, of threads, and for fetch handlers. */

import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, start } from "../lib/servers.mjs";
import { nodeMajor, nodeVersion } from "./contestant.mjs";
import { appFile, NODE_PROGRAM, packageFile, packageProblem, packageVersion, peerScript } from "./files.mjs";

/** @typedef {import("./contestant.mjs").Contestant} Contestant */

const CLUSTER = fileURLToPath(new URL("../../compare/programs/cluster.mjs", import.meta.url));
const PM2 = packageFile("pm2/bin/pm2");
const PM2_NAME = "bench";

/** @param {string} folder */
const pm2Env = (folder) => ({ PM2_HOME: path.join(folder, "pm2"), HOME: folder, PM2_DISABLE_VERSION_CHECK: "true" });

/** @type {Contestant} */
const cluster = {
  name: "node:cluster",
  how: "a master written by hand, the default dispatch, N workers of bare node:http",
  problem: () => undefined,
  version: nodeVersion,
  hasWorkers: true,
  start: async ({ node, workload, workers, core }) => {
    const port = await freePort();
    const env = { WORKLOAD: workload, PORT: String(port) };
    return await start(node, [CLUSTER, NODE_PROGRAM, String(workers)], port, workers + 1, { core, env });
  },
  reload: (running) => running.signal("SIGHUP"),
};

/** @type {Contestant} */
const pm2 = {
  name: "PM2",
  how: "pm2 start --no-daemon, exec_mode cluster, wait_ready, N instances of the program of node:cluster",
  problem: () => packageProblem("pm2"),
  version: (node) => `${packageVersion("pm2")}, ${nodeVersion(node)}`,
  hasWorkers: true,
  start: async ({ node, workload, workers, core, folder }) => {
    const port = await freePort();
    const config = path.join(folder, "ecosystem.config.cjs");
    const app = {
      name: PM2_NAME,
      script: NODE_PROGRAM,
      cwd: folder,
      instances: workers,
      exec_mode: "cluster",
      wait_ready: true,
      kill_timeout: 10_000,
      env: { WORKLOAD: workload, PORT: String(port) },
    };
    await writeFile(config, `module.exports = ${JSON.stringify({ apps: [app] })};\n`);
    return await start(node, [PM2, "start", config, "--no-daemon"], port, workers + 1, { core, env: pm2Env(folder) });
  },
  reload: async (_running, { node, folder }) => {
    const env = { PATH: process.env["PATH"] ?? "", ...pm2Env(folder) };
    await promisify(execFile)(node, [PM2, "reload", PM2_NAME], { env });
  },
};

/** @type {Contestant} */
const watt = {
  name: "Watt",
  how: "wattpm start, N worker threads of bare node:http, metrics off",
  problem: (node) => packageProblem("wattpm") ?? (nodeMajor(node) < 22 ? "Watt needs Node 22 or later" : undefined),
  version: (node) => `${packageVersion("wattpm")}, ${nodeVersion(node)}`,
  hasWorkers: true,
  start: async ({ node, workload, workers, core, folder }) => {
    const port = await freePort();
    const app = path.join(folder, "app");
    await mkdir(app);
    /** @param {string} file @param {object} value */
    const json = (file, value) => writeFile(path.join(folder, file), JSON.stringify(value));
    await json("watt.json", {
      $schema: `https://schemas.platformatic.dev/wattpm/${packageVersion("wattpm")}.json`,
      entrypoint: "app",
      applications: [{ id: "app", path: "./app", workers }],
      server: { hostname: "127.0.0.1", port },
      logger: { level: "warn" },
      metrics: false,
      watch: false,
    });
    await json("app/watt.json", { module: packageFile("@platformatic/node"), application: { outputDirectory: "." } });
    await json("app/package.json", { name: "app", type: "commonjs", main: "index.js" });
    await writeFile(
      path.join(app, "index.js"),
      `exports.create = () => require("node:http").createServer(require(${JSON.stringify(appFile("listener.cjs"))}));\n`,
    );
    const env = { WORKLOAD: workload, HOME: folder, PLT_ENVIRONMENT: "production" };
    return await start(node, [packageFile("wattpm/bin/cli.js"), "start"], port, 1, { core, env, cwd: folder });
  },
};

/**
 * @param {string} name
 * @param {string} how
 * @param {string} script
 * @param {string} packageName
 * @returns {Contestant}
 */
const fetchServer = (name, how, script, packageName) => ({
  name,
  how,
  problem: () => packageProblem(packageName),
  version: (node) => `${packageVersion(packageName)}, ${nodeVersion(node)}`,
  start: async ({ node, workload, core }) => {
    const port = await freePort();
    const env = { WORKLOAD: workload, PORT: String(port) };
    return await start(node, [peerScript(script)], port, 1, { core, env });
  },
});

/** @type {readonly Contestant[]} */
export const ON_NODE = [
  cluster,
  pm2,
  watt,
  fetchServer("@hono/node-server", "one process, a fetch handler", "hono-node-server.mjs", "@hono/node-server"),
  fetchServer("srvx", "one process, a fetch handler, its FastResponse", "srvx.mjs", "srvx"),
];
