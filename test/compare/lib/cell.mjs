/**
 * One row with one server, from an empty folder to the last process: whatever is started is noted when it is started,
 * and ended in the end, also when this process is interrupted.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../bench/lib/servers.mjs";
import { failedCount } from "../../support/traffic/tally.mjs";
import { excusedCount } from "./excuses.mjs";
import { seconds } from "./row.mjs";
import { untilReady } from "./server.mjs";
import { watchStandstill } from "./standstill.mjs";

/** @typedef {import("./row.mjs").Row} Row */
/** @typedef {import("../contestants/contestant.mjs").Contestant} Contestant */

/**
 * @typedef {object} Cell how a row ended with a server
 * @property {string} row
 * @property {string} contestant
 * @property {number} round
 * @property {number} requests
 * @property {number} failed those that no death excuses
 * @property {number} excused
 * @property {number} [ms] what the row times
 * @property {readonly string[]} remarks
 * @property {import("../../support/traffic/tally.mjs").Tally} [tally]
 * @property {string} [error] why there is no tally
 */

const WORKERS = 2;
const LIMIT_MS = 120_000;
const STOP_MS = 12_000;
const STANDSTILL_MS = 1000;
const ATTEMPTS = 3;

/** @type {(() => Promise<unknown>)[]} */
const debts = [];

/** Ends whatever has been started and not been ended, the last first. */
export async function endEverything() {
  for (let end = debts.pop(); end !== undefined; end = debts.pop()) await end().catch((error) => console.error(error));
}

/**
 * Runs a row with a server, once more if the machine stood still meanwhile. Never rejects.
 * @param {Row} row
 * @param {Contestant} contestant
 * @param {number} round
 * @returns {Promise<Cell>}
 */
export async function runCell(row, contestant, round) {
  for (let attempt = 1; ; attempt += 1) {
    const standstill = watchStandstill();
    const cell = await runOnce(row, contestant, round);
    const ms = standstill.longestMs();
    standstill.end();
    if (ms < STANDSTILL_MS) return cell;
    const remark = `the machine stood still for ${seconds(ms)}`;
    if (attempt === ATTEMPTS) return { ...cell, remarks: [...cell.remarks, remark] };
    console.error([row.name, contestant.name, remark, "once more"].join("; "));
  }
}

/**
 * @param {Row} row
 * @param {Contestant} contestant
 * @param {number} round
 * @returns {Promise<Cell>}
 */
async function runOnce(row, contestant, round) {
  const cell = { row: row.name, contestant: contestant.name, round, requests: 0, failed: 0, excused: 0 };
  try {
    const limit = sleep(LIMIT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`not done in ${LIMIT_MS / 1000} s`);
    });
    return { ...cell, ...(await Promise.race([play(row, contestant), limit])) };
  } catch (error) {
    return { ...cell, error: error instanceof Error ? error.message : String(error), remarks: [] };
  } finally {
    await endEverything();
  }
}

/**
 * @param {Row} row
 * @param {Contestant} contestant
 */
async function play(row, contestant) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-compare-"));
  owe(() => rm(folder, { recursive: true, force: true }));
  const server = await contestant.start({ folder, port: await freePort(), workers: WORKERS, owe });
  await untilReady(server);
  const { tally, deaths, ms, remarks } = await row.run(server, owe);
  const left = await leftAfterStop(server);
  const excused = excusedCount(tally, deaths);
  return {
    requests: tally.requests,
    failed: failedCount(tally) - excused,
    excused,
    ...(ms === undefined ? {} : { ms }),
    remarks: left === 0 ? remarks : [...remarks, `${left} processes left ${STOP_MS / 1000} s after a graceful stop`],
    tally,
  };
}

/** @param {() => Promise<unknown>} end */
function owe(end) {
  debts.push(end);
}

/**
 * Stops the server gracefully, and counts what is left beside its master.
 * @param {import("./server.mjs").Server} server
 */
async function leftAfterStop(server) {
  const { masterPid } = server;
  if (!(await server.processes()).includes(masterPid)) return 0;
  await server.stop();
  await Promise.race([server.ended(), sleep(STOP_MS, undefined, { ref: false })]);
  return (await server.processes()).filter((pid) => pid !== masterPid).length;
}
