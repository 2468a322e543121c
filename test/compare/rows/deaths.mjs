/** Workers that are killed, under traffic. */

import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../support/traffic/connection.mjs";
import { answeredPids, startFlowing, untilFullStrength } from "../lib/row.mjs";

/** @typedef {import("../lib/row.mjs").Row} Row */
/** @typedef {import("../lib/row.mjs").Server} Server */

const AFTERWARDS_MS = 1000;

/** @type {Row} */
export const workerKilled = {
  name: "worker-killed",
  event: "one worker is killed (SIGKILL)",
  time: "until two workers answer again",
  otherwise: "fewer than two answer",
  run: (server, owe) => kill(server, owe, async (answering) => answering.slice(0, 1)),
};

/** @type {Row} */
export const allKilled = {
  name: "all-killed",
  event: "every process but the master is killed (SIGKILL), all at once",
  time: "until two workers answer again",
  otherwise: "fewer than two answer",
  run: (server, owe) => kill(server, owe, () => server.workerPids()),
};

/**
 * @param {Server} server
 * @param {import("../lib/row.mjs").Owe} owe
 * @param {(answering: number[]) => Promise<number[]>} choose
 * @returns {Promise<import("../lib/row.mjs").Outcome>}
 */
async function kill(server, owe, choose) {
  const traffic = await startFlowing(server, owe);
  const alive = await server.workerPids();
  const victims = await choose((await answeredPids(traffic)).filter((pid) => alive.includes(pid)));
  for (const pid of victims) process.kill(pid, "SIGKILL");
  const at = now();
  const ms = await untilFullStrength(server, traffic, { without: victims });
  await sleep(AFTERWARDS_MS);
  return { tally: await traffic.stop(), deaths: victims.map((pid) => ({ pid, at })), ms, remarks: [] };
}
