/** What a row of the comparison is, and the traffic that rows have in common. */

import { setTimeout as sleep } from "node:timers/promises";
import { startTraffic } from "../../support/traffic/start.mjs";

/** @typedef {import("./server.mjs").Server} Server */
/** @typedef {import("../../support/traffic/start.mjs").Traffic} Traffic */
/** @typedef {(end: () => Promise<unknown>) => void} Owe */

/**
 * @typedef {object} Row
 * @property {string} name as on the command line
 * @property {string} event
 * @property {string} time what is timed
 * @property {string} otherwise in place of the time, when it does not come
 * @property {(server: Server, owe: Owe) => Promise<Outcome>} run what it starts it owes the end of
 */

/**
 * @typedef {object} Outcome
 * @property {import("../../support/traffic/tally.mjs").Tally} tally
 * @property {readonly import("./excuses.mjs").Death[]} deaths of workers, which excuse failures
 * @property {number | undefined} ms what was timed; undefined when it did not come
 * @property {readonly string[]} remarks what the tally does not tell
 */

/** Pauses of the clients go up to twice this; tsgate is told it as `--linger`. */
export const LINGER_MS = 1000;
/** Of eight requests one is still in progress a while after it was sent. */
const REQUESTS = [...Array.from({ length: 7 }, () => ({})), { path: "/slow?250" }];
const POLL_MS = 50;

/** How long a row waits for what a server may never do. */
export const PATIENCE_MS = 15_000;

/**
 * Starts the traffic of docs/guarantees.md and resolves when it flows.
 * @param {Server} server
 * @param {Owe} owe
 * @param {Partial<import("../../support/traffic/client.mjs").TrafficOptions>} [options]
 * @returns {Promise<Traffic>}
 */
export async function startFlowing(server, owe, options) {
  const traffic = await startTraffic({ target: server.target, lingerMs: LINGER_MS, requests: REQUESTS, ...options });
  owe(async () => traffic.kill());
  await traffic.until(({ outcomes }) => outcomes.ok > 500);
  return traffic;
}

/**
 * The workers that have answered so far.
 * @param {Traffic} traffic
 */
export async function answeredPids(traffic) {
  return Object.keys((await traffic.snapshot()).byPid).map(Number);
}

/**
 * Waits until as many workers as there should be answer, none of `without` among them.
 * @param {Server} server
 * @param {Traffic} traffic
 * @param {{ without: readonly number[], isOver?: () => boolean }} options `isOver`: nothing to wait for any more
 * @returns {Promise<number | undefined>} after how many milliseconds; undefined if not within `PATIENCE_MS`
 */
export async function untilFullStrength(server, traffic, { without, isOver = () => false }) {
  const startedAt = performance.now();
  const before = (await traffic.snapshot()).byPid;
  return await poll(async () => {
    if (isOver()) return true;
    const { byPid } = await traffic.snapshot();
    const answering = Object.keys(byPid).filter((pid) => (byPid[pid] ?? 0) > (before[pid] ?? 0));
    return answering.filter((pid) => !without.includes(Number(pid))).length >= server.workers;
  }, startedAt);
}

/**
 * Asks again and again.
 * @param {() => Promise<boolean>} condition
 * @param {number} [startedAt] of the monotonic clock: now
 * @returns {Promise<number | undefined>} the milliseconds since then; undefined if not within `PATIENCE_MS`
 */
export async function poll(condition, startedAt = performance.now()) {
  while (!(await condition())) {
    if (performance.now() - startedAt > PATIENCE_MS) return undefined;
    await sleep(POLL_MS);
  }
  return performance.now() - startedAt;
}

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
