/** Reloads under traffic: into the application that runs, and into one that throws while it is loaded. */

import { setTimeout as sleep } from "node:timers/promises";
import { answeredPids, poll, startFlowing, untilFullStrength } from "../lib/row.mjs";

/** @typedef {import("../lib/row.mjs").Server} Server */
/** @typedef {import("../lib/row.mjs").Traffic} Traffic */

const RELOADS = 5;
/** As long as the slowest of the servers takes to make up its mind, and some. */
const BROKEN_FOR_MS = 20_000;
const LOOK_MS = 2000;
/** Kept connections that are hardly ever idle: pauses of 1 to 10 ms, and no client that waits. */
const BUSY = { lingerMs: 5, idle: 0, requests: [{}] };

/** @type {import("../lib/row.mjs").Row} */
export const goodReloads = {
  name: "reload",
  event: `${RELOADS} reloads into a good application`,
  time: "for all of them",
  otherwise: "not all came to an end",
  run: (server, owe) => reloads(server, owe),
};

/** @type {import("../lib/row.mjs").Row} */
export const busyReloads = {
  name: "busy-reload",
  event: `the same with clients that pause for 1 to 10 ms only`,
  time: "for all of them",
  otherwise: "not all came to an end",
  run: (server, owe) => reloads(server, owe, BUSY),
};

/** @type {import("../lib/row.mjs").Row} */
export const brokenReload = {
  name: "broken-reload",
  event: `a reload into an application that throws while it is loaded; ${BROKEN_FOR_MS / 1000} s later into a good one`,
  time: "for the reload into the good one",
  otherwise: "the good one does not come",
  async run(server, owe) {
    const traffic = await startFlowing(server, owe);
    await server.deploy("broken");
    await server.reload();
    await sleep(BROKEN_FOR_MS - LOOK_MS);
    const before = (await traffic.snapshot()).byPid;
    await sleep(LOOK_MS);
    const { byPid } = await traffic.snapshot();
    const answering = Object.keys(byPid).filter((pid) => (byPid[pid] ?? 0) > (before[pid] ?? 0)).length;
    const isThere = (await server.processes()).includes(server.masterPid);
    await server.deploy("good");
    const ms = isThere ? await reloaded(server, traffic) : undefined;
    const state = isThere
      ? `${answering} of ${server.workers} workers answer`
      : `the server has ended with ${await server.ended()}`;
    return { tally: await traffic.stop(), deaths: [], ms, remarks: [`${state} before the good one comes`] };
  },
};

/**
 * @param {Server} server
 * @param {import("../lib/row.mjs").Owe} owe
 * @param {Partial<import("../../support/traffic/client.mjs").TrafficOptions>} [options]
 * @returns {Promise<import("../lib/row.mjs").Outcome>}
 */
async function reloads(server, owe, options) {
  const traffic = await startFlowing(server, owe, options);
  const startedAt = performance.now();
  let done = 0;
  while (done < RELOADS && (await reloaded(server, traffic)) !== undefined) done += 1;
  const ms = performance.now() - startedAt;
  const tally = await traffic.stop();
  if (done === RELOADS) return { tally, deaths: [], ms, remarks: [] };
  return { tally, deaths: [], ms: undefined, remarks: [`${done} of ${RELOADS} came to an end`] };
}

/**
 * Reloads, and waits until every worker is a new one and no old one is left.
 * @param {Server} server
 * @param {Traffic} traffic
 */
async function reloaded(server, traffic) {
  const old = await answeredPids(traffic);
  const startedAt = performance.now();
  await server.reload();
  if ((await untilFullStrength(server, traffic, { without: old })) === undefined) return undefined;
  const isOldGone = async () => !(await server.workerPids()).some((pid) => old.includes(pid));
  return (await poll(isOldGone)) === undefined ? undefined : performance.now() - startedAt;
}
