/** What the kernel knows of processes: their CPU time, their memory, their children. Linux only. */

import { readdir, readFile } from "node:fs/promises";

/** @typedef {{ pid: number, parent: number, session: number, state: string }} Process as its `/proc/PID/stat` tells */

/**
 * A process and all its descendants.
 * @param {number} root
 * @returns {Promise<number[]>}
 */
export async function tree(root) {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const parents = new Map(
    await Promise.all(names.map(async (name) => /** @type {const} */ ([Number(name), await parentOf(name)]))),
  );
  const pids = [root];
  for (const pid of pids) for (const [child, parent] of parents) if (parent === pid) pids.push(child);
  return pids;
}

/**
 * The living processes of a session, without those that have ended and wait for their parent.
 * @param {number} id the pid of the process that began it
 * @returns {Promise<Process[]>}
 */
export async function session(id) {
  // Processes that were started outside of a container have the session 0 in it.
  if (!(id > 0)) throw new Error(`no session: ${id}`);
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(names.map((name) => statusOf(name)));
  return processes.filter((found) => found.session === id && found.state !== "Z");
}

/** @param {string} pid */
async function parentOf(pid) {
  return (await statusOf(pid)).parent;
}

/**
 * @param {string} pid
 * @returns {Promise<Process>} with an empty state when there is none
 */
async function statusOf(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  const [state = "", parent = "0", , session = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid: Number(pid), state, parent: Number(parent), session: Number(session) };
}

/**
 * CPU time so far of every thread of these processes, in microseconds.
 * @param {readonly number[]} pids
 */
export async function cpuMicros(pids) {
  const times = await Promise.all(pids.map((pid) => cpuMicrosOf(pid)));
  return times.reduce((sum, time) => sum + time, 0);
}

/** @param {number} pid */
async function cpuMicrosOf(pid) {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  let nanos = 0;
  for (const thread of threads) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "latin1").catch(() => "0");
    nanos += Number(text.split(" ")[0]);
  }
  return nanos / 1000;
}

/**
 * Resident and proportional memory in megabytes (of 10^6 bytes).
 * @param {number} pid
 */
export async function memory(pid) {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "latin1");
  /** @param {string} field */
  const megabytes = (field) => (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024) / 1e6;
  return { rss: megabytes("Rss"), pss: megabytes("Pss") };
}
