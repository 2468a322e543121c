/** What is measured of a server of Python applications: under load, among slow clients, while it reloads, its memory. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { startTraffic } from "../support/traffic/start.mjs";
import { failedCount } from "../support/traffic/tally.mjs";
import { PYTHON } from "./lib/django-site.mjs";
import { cpuMicros, memory } from "./lib/proc.mjs";
import { median } from "./lib/rounds.mjs";
import { startCrowd } from "./lib/slow-crowd.mjs";
import { load } from "./lib/wrk.mjs";
import { HELLO, RELOAD_BY, startContestant } from "./wsgi-contestants.mjs";

/** @typedef {import("./lib/servers.mjs").Running} Running */
/** @typedef {{ micros: number, interpreterMicros: number, perSecond: number, p99Ms: number, errors: number }} Round */
/** @typedef {{ quietMs: number, amongMs: number | undefined, failed: number }} AmongSlow `amongMs` undefined: nobody was answered */
/** @typedef {{ failed: number, requests: number }} Reloading */

const CONNECTIONS = 16;
const WARM_UP_MS = 30_000;
const SECONDS_WITHOUT_GAIN = 3;
const GAIN = 0.97;
const SLOW = 200;
const WINDOW_MS = 3000;
const QUIET_WINDOWS = 2;
const SLOW_WINDOWS = 3;
/** How long whoever waits for a reply is waited for at the end, of a window and of reloads. */
const PATIENCE_MS = 5000;
const RELOAD_PATIENCE_MS = 15_000;
const RELOADS = 3;
const SETTLE_MS = 3000;

/**
 * CPU time a request of all processes, and of it that of interpreters which only run the application.
 * @param {Running} server
 * @param {string} page
 * @param {number} seconds
 * @returns {Promise<Round>}
 */
export async function underLoad(server, page, seconds) {
  const { interpreters } = await processes(server);
  const before = [await server.cpuMicros(), await cpuMicros(interpreters)];
  const { requests, perSecond, p99Ms, errors } = await load(server.port, { connections: CONNECTIONS, seconds, page });
  const after = [await server.cpuMicros(), await cpuMicros(interpreters)];
  const [micros = NaN, interpreterMicros = NaN] = after.map(
    (time, index) => (time - (before[index] ?? NaN)) / requests,
  );
  return { micros, interpreterMicros, perSecond, p99Ms, errors };
}

/**
 * Loads a server until it is at what it does from then on: until Node has compiled what is run often, and Django has read
 * its templates, so that a request costs no less than in the seconds before.
 * @param {Running} server
 * @param {string} page
 */
export async function warmUp(server, page) {
  const endsAt = performance.now() + WARM_UP_MS;
  let least = Infinity;
  for (let without = 0; without < SECONDS_WITHOUT_GAIN && performance.now() < endsAt; without += 1) {
    const { micros } = await underLoad(server, page, 1);
    if (micros > least * GAIN) continue;
    least = micros;
    without = -1;
  }
}

/**
 * The p99 of others without slow clients and with slow readers and slow writers in the background, at a modest rate.
 * @param {Running} server
 * @returns {Promise<AmongSlow>}
 */
export async function amongSlow(server) {
  const quiet = await windows(server, QUIET_WINDOWS);
  const crowds = await Promise.all([
    startCrowd({ port: server.port, kind: "slow read", count: SLOW, path: "/big", patienceMs: 3000 }),
    startCrowd({ port: server.port, kind: "body drip", count: SLOW, path: "/", patienceMs: 3000 }),
  ]);
  try {
    await sleep(1000);
    const among = await windows(server, SLOW_WINDOWS);
    return { quietMs: quiet.p99Ms ?? NaN, amongMs: among.p99Ms, failed: quiet.failed + among.failed };
  } finally {
    for (const crowd of crowds) await crowd.stop();
    await sleep(500);
  }
}

/**
 * Some windows of traffic, none after one in which nobody was answered.
 * @param {Running} server
 * @param {number} count
 */
async function windows({ port }, count) {
  /** @type {number[]} */
  const p99s = [];
  let failed = 0;
  for (let window = 0; window < count; window += 1) {
    const traffic = await startTraffic({ target: { host: "127.0.0.1", port }, lingerMs: 50, idle: 0 });
    await sleep(WINDOW_MS);
    const tally = await ended(traffic, PATIENCE_MS);
    if (tally === undefined || tally.outcomes.ok === 0) return { p99Ms: undefined, failed };
    p99s.push(tally.latencyMs.p99);
    failed += failedCount(tally);
  }
  return { p99Ms: median(p99s), failed };
}

/** @param {Awaited<ReturnType<typeof startTraffic>>} traffic @param {number} patienceMs */
async function ended(traffic, patienceMs) {
  const tally = await Promise.race([traffic.stop(), sleep(patienceMs, undefined, { ref: false })]);
  traffic.kill();
  return tally;
}

/**
 * Reloads under the traffic of docs/guarantees.md.
 * @param {string} name
 * @returns {Promise<Reloading>}
 */
export async function reloading(name) {
  const server = await startContestant(name, "hello", {});
  try {
    const traffic = await startTraffic({ target: { host: "127.0.0.1", port: server.port }, lingerMs: 1000 });
    for (let count = 0; count < RELOADS; count += 1) {
      await sleep(2500);
      server.signal(/** @type {NodeJS.Signals} */ (RELOAD_BY[name]));
    }
    await sleep(6000);
    const tally = await ended(traffic, RELOAD_PATIENCE_MS);
    return tally === undefined
      ? { failed: NaN, requests: NaN }
      : { failed: failedCount(tally), requests: tally.requests };
  } finally {
    await server.stop();
  }
}

/** Proportional, of all its processes, in MB. @param {Running} server */
export async function memoryOf(server) {
  let sum = 0;
  for (const pid of await server.pids()) sum += (await memory(pid)).pss;
  return sum;
}

/** Resident, of a worker and its interpreter, in MB, when they have come to rest. @param {Running} server */
export async function workerMb(server) {
  await sleep(SETTLE_MS);
  const { interpreters, workers } = await processes(server);
  let sum = 0;
  for (const pid of [...interpreters, ...workers]) sum += (await memory(pid)).rss;
  return sum / workers.length;
}

/** Resident, of an interpreter that has loaded the same application and does nothing, in MB. */
export async function bareInterpreterMb() {
  const code = "import hello, sys; print(flush=True); sys.stdin.read()";
  const child = spawn(PYTHON, ["-c", code], { cwd: HELLO, env: { PYTHONDONTWRITEBYTECODE: "1" } });
  try {
    await once(child.stdout, "data");
    return (await memory(/** @type {number} */ (child.pid))).rss;
  } finally {
    child.stdin.end();
    await once(child, "exit");
  }
}

/**
 * Of tsgate's processes: the interpreters, and the workers that have one. Of others none.
 * @param {Running} server
 */
async function processes(server) {
  const pids = await server.pids();
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")));
  return {
    interpreters: pids.filter((_, index) => /\/python\/start\.py\0/.test(commands[index] ?? "")),
    workers: pids.filter((_, index) => commands[index]?.startsWith("tsgate: worker")),
  };
}
