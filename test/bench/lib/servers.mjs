/** Starts the servers that are compared, waits until they answer, and ends them by their own pids. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { requestOnce } from "../../support/traffic/connection.mjs";
import { cpuMicros, tree } from "./proc.mjs";

/** @param {string} name */
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The shipped command. */
export const TSGATE = file("../../../bin/tsgate.js");
/** Applications and programs of the benchmarks. */
export const APPS = {
  listener: file("../apps/listener.cjs"),
  express: file("../apps/express-app.cjs"),
  expressStatic: file("../apps/express-static.cjs"),
  gateway: file("../apps/gateway.mjs"),
  gatewayStacked: file("../apps/gateway-stacked.mjs"),
  plain: file("../apps/plain.cjs"),
  cluster: file("../apps/cluster.cjs"),
  program: file("../apps/program.cjs"),
  clusterProgram: file("../apps/cluster-program.cjs"),
  slowClients: file("../apps/slow-clients.cjs"),
  empty: file("../apps/empty.mjs"),
};

/**
 * @typedef {object} Running
 * @property {number} pid of the first process
 * @property {number} port
 * @property {number} startMs from spawn to the first good reply
 * @property {() => Promise<number[]>} pids of the whole tree
 * @property {() => Promise<number>} cpuMicros of the whole tree
 * @property {() => string} output
 * @property {(signal: NodeJS.Signals) => void} signal
 * @property {() => Promise<void>} stop
 */

/**
 * tsgate with `workers` workers.
 * @param {{ node: string, app: string, workers: number, args?: readonly string[], core?: number, env?: Record<string, string> }} options
 */
export async function startTsgate({ node, app, workers, args = [], core, env = {} }) {
  const port = await freePort();
  const command = ["--log-format", "json", "--workers", String(workers), "--bind", `127.0.0.1:${port}`, ...args, app];
  return await start(node, [TSGATE, ...command], port, workers + 1, { core, env });
}

/**
 * A hand-written node:cluster with `workers` workers; `isShared`: they all accept from one socket, and nobody dispatches.
 * @param {{ node: string, app: string, workers: number, isShared?: boolean }} options
 */
export async function startCluster({ node, app, workers, isShared = false }) {
  const port = await freePort();
  const env = isShared ? { NODE_CLUSTER_SCHED_POLICY: "none" } : {};
  return await start(node, [APPS.cluster, app, String(port), String(workers)], port, workers + 1, { env });
}

/**
 * A hand-written node:cluster with `workers` workers of a program that listens by itself.
 * @param {{ node: string, app: string, workers: number, core?: number }} options
 */
export async function startClusterProgram({ node, app, workers, core }) {
  const port = await freePort();
  return await start(node, [APPS.clusterProgram, app, String(workers)], port, workers + 1, {
    env: { PORT: String(port) },
    core,
  });
}

/**
 * A script that listens on the port that it is given as its last argument, in one process.
 * @param {{ node: string, script: string, nodeArgs?: readonly string[], args?: readonly string[], core?: number, env?: Record<string, string> }} options
 */
export async function startScript({ node, script, nodeArgs = [], args = [], core, env = {} }) {
  const port = await freePort();
  return await start(node, [...nodeArgs, script, ...args, String(port)], port, 1, { core, env });
}

/**
 * One plain process.
 * @param {{ node: string, app: string, nodeArgs?: readonly string[] }} options
 */
export async function startPlain({ node, app, nodeArgs = [] }) {
  const port = await freePort();
  return await start(node, [...nodeArgs, APPS.plain, app, String(port)], port, 1);
}

/**
 * Starts a command that serves on `port`, and waits until it answers.
 * @param {string} node
 * @param {readonly string[]} args
 * @param {number} port
 * @param {number} processes how many there are when all has started
 * @param {{ env?: Record<string, string>, core?: number | undefined, cwd?: string }} [options] `core`: the only one it may run on
 * @returns {Promise<Running>}
 */
export async function start(node, args, port, processes, { env = {}, core, cwd } = {}) {
  const startedAt = performance.now();
  const command = core === undefined ? [node, ...args] : ["taskset", "-c", String(core), node, ...args];
  const child = spawn(command[0] ?? "", command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
  const exited = once(child, "exit");
  const pid = /** @type {number} */ (child.pid);

  const running = {
    pid,
    port,
    startMs: 0,
    pids: () => tree(pid),
    cpuMicros: async () => await cpuMicros(await tree(pid)),
    output: () => output,
    /** @param {NodeJS.Signals} signal */
    signal: (signal) => void child.kill(signal),
    async stop() {
      const pids = await tree(pid);
      child.kill("SIGTERM");
      await Promise.race([exited, sleep(10_000, undefined, { ref: false })]);
      for (const left of pids) kill(left);
      await exited;
    },
  };

  try {
    await until(
      () => child.exitCode !== null,
      async () => (await requestOnce({ host: "127.0.0.1", port })).outcome === "ok",
    );
    running.startMs = performance.now() - startedAt;
    await until(
      () => child.exitCode !== null,
      async () => (await tree(pid)).length >= processes,
    );
  } catch (error) {
    await running.stop();
    throw new Error(`${args.join(" ")} did not start\n${output}`, { cause: error });
  }
  return running;
}

/**
 * Asks every two milliseconds.
 * @param {() => boolean} hasEnded
 * @param {() => Promise<boolean>} condition
 */
async function until(hasEnded, condition) {
  const endsAt = performance.now() + 20_000;
  while (!(await condition())) {
    if (hasEnded()) throw new Error("it has ended");
    if (performance.now() > endsAt) throw new Error("not in 20 s");
    await sleep(2);
  }
}

/** A port on which nobody listens at the moment. */
export async function freePort() {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone by itself.
  }
}
