/**
 * A contestant that runs: a process that leads a session of its own, so that every process that it ever starts can be
 * found, whoever its parent is by then, and ended by its pid.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { session } from "../../bench/lib/proc.mjs";
import { requestOnce } from "../../support/traffic/connection.mjs";

/** @typedef {{ host: string, port: number }} Address */
/** @typedef {"good" | "broken"} Deployment */

/**
 * @typedef {object} Server
 * @property {Address} target
 * @property {number} workers how many it was asked to run
 * @property {number} masterPid
 * @property {() => Promise<number[]>} workerPids the living children of the master
 * @property {() => Promise<number[]>} processes every living process of it
 * @property {(deployment: Deployment) => Promise<void>} deploy puts an application on the disk, and nothing else
 * @property {() => Promise<void>} reload asks for a reload; does not wait for its end
 * @property {() => Promise<void>} stop asks for a graceful stop; does not wait for its end
 * @property {() => Promise<string>} ended resolves with how it ended, when its application runs no more
 * @property {() => string} output the last of what it has written
 */

/**
 * @typedef {object} Spawned
 * @property {number} pid
 * @property {(signal: NodeJS.Signals) => void} signal
 * @property {Promise<string>} exited the exit code, or the signal's name
 * @property {() => string} output
 */

const OUTPUT_BYTES = 65_536;
const READY_MS = 20_000;

/**
 * Starts a command as the leader of a session.
 * @param {readonly string[]} command
 * @param {{ cwd: string, env?: Record<string, string> }} options
 * @returns {Spawned}
 */
export function spawnLeader(command, { cwd, env = {} }) {
  const child = spawn(command[0] ?? "", command.slice(1), {
    cwd,
    env: environment(cwd, env),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (output = (output + text).slice(-OUTPUT_BYTES)));
  const exited = once(child, "exit").then(([code, signal]) => String(signal ?? code));
  // Whoever waits for the end is told of an error; nobody has to.
  exited.catch(() => {});
  if (child.pid === undefined) throw new Error(`${command[0]} cannot be started`);
  return { pid: child.pid, signal: (signal) => void child.kill(signal), exited, output: () => output };
}

/**
 * What a contestant sees of the environment.
 * @param {string} home
 * @param {Record<string, string>} [more]
 */
export function environment(home, more = {}) {
  return { PATH: process.env["PATH"] ?? "", HOME: home, LANG: "C.UTF-8", ...more };
}

/**
 * The living children of a process of a session.
 * @param {number} parent
 * @param {number} [sessionId] that of the parent, unless it leads another
 */
export async function childrenOf(parent, sessionId = parent) {
  return (await session(sessionId)).filter((found) => found.parent === parent).map(({ pid }) => pid);
}

/**
 * Ends every process of a session, by its pid, and waits until all have gone.
 * @param {number} id
 */
export async function endSession(id) {
  for (let left = await session(id); left.length > 0; left = await session(id)) {
    for (const { pid } of left) kill(pid);
    await sleep(5);
  }
}

/**
 * Resolves with the workers that answer, as soon as there are as many as were asked for.
 * @param {Server} server
 * @returns {Promise<number[]>}
 */
export async function untilReady(server) {
  const { target, workers } = server;
  const pids = new Set();
  const endsAt = performance.now() + READY_MS;
  while (pids.size < workers) {
    if (performance.now() > endsAt)
      throw new Error(`${pids.size} of ${workers} workers answered in ${READY_MS} ms\n${server.output()}`);
    const exchanges = await Promise.all(Array.from({ length: 8 }, () => requestOnce(target, { path: "/block?2" })));
    for (const { reply } of exchanges) if (reply?.status === 200) pids.add(Number(reply.headers.get("x-worker-pid")));
    await sleep(20);
  }
  return [...pids];
}

/**
 * Whether a process with this pid exists.
 * @param {number} pid
 */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return pid > 0;
  } catch {
    return false;
  }
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone by itself.
  }
}
