/** A worker that never gives its loop, or its interpreter, back, under traffic. */

import { now } from "../../support/traffic/connection.mjs";
import { Batch } from "../lib/batch.mjs";
import { PATIENCE_MS, answeredPids, poll, seconds, startFlowing, untilFullStrength } from "../lib/row.mjs";

/** @typedef {import("../lib/row.mjs").Row} Row */
/** @typedef {import("../lib/row.mjs").Server} Server */

/** @type {Row} */
export const endlessLoop = {
  name: "hang",
  event: "a request that never leaves a loop of the application",
  time: "until two workers answer that are not hung",
  otherwise: "not noticed",
  run: (server, owe) => hang(server, owe, "/hang"),
};

/** @type {Row} */
export const endlessRegExp = {
  name: "regexp",
  event: "a request that never leaves a regular expression",
  time: "until two workers answer that are not hung",
  otherwise: "not noticed",
  run: (server, owe) => hang(server, owe, "/regexp"),
};

/**
 * @param {Server} server
 * @param {import("../lib/row.mjs").Owe} owe
 * @param {string} path
 * @returns {Promise<import("../lib/row.mjs").Outcome>}
 */
async function hang(server, owe, path) {
  const traffic = await startFlowing(server, owe);
  const [hungPid = 0] = await answeredPids(traffic);
  const batch = new Batch(server, owe);
  const clients = await batch.openTo(hungPid, 1);
  const startedAt = performance.now();
  void batch.ask(clients, { path });
  const killedMs = await poll(async () => !(await server.workerPids()).includes(hungPid), startedAt);
  const at = now();
  const ms = killedMs && (await untilFullStrength(server, traffic, { without: [hungPid] }));
  return {
    tally: await traffic.stop(),
    deaths: killedMs === undefined ? [] : [{ pid: hungPid, at }],
    ms: ms && killedMs && killedMs + ms,
    remarks: [killedMs === undefined ? `not noticed in ${seconds(PATIENCE_MS)}` : `killed after ${seconds(killedMs)}`],
  };
}
