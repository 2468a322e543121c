/** The end of the server: asked for, with requests in progress and others waiting; and the death of its master. */

import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Batch, answered } from "../lib/batch.mjs";
import { PATIENCE_MS, poll, seconds } from "../lib/row.mjs";
import { untilReady } from "../lib/server.mjs";

/** @typedef {import("../lib/row.mjs").Row} Row */

const IN_FLIGHT = 100;
const WAITING = 100;
/** Long enough for every connection to have been accepted and read. */
const SETTLE_MS = 500;

/** @type {Row} */
export const gracefulStop = {
  name: "stop",
  event: `a graceful stop with ${IN_FLIGHT} requests in flight and ${WAITING} more that came while every worker was busy`,
  time: "until it has ended",
  otherwise: "not ended",
  async run(server, owe) {
    const batch = new Batch(server, owe);
    const closes = { closes: true };
    const pids = await untilReady(server);
    const busy = (await Promise.all(pids.map((pid) => batch.openTo(pid, 1)))).flat();
    const inFlight = batch.ask(await batch.open(IN_FLIGHT), { path: "/slow?2500" }, closes);
    await sleep(SETTLE_MS);
    const blocked = batch.ask(busy, { path: "/block?1500" });
    await sleep(100);
    const waiting = batch.ask(await batch.open(WAITING), {}, closes);
    const startedAt = performance.now();
    await server.stop();
    const how = await Promise.race([server.ended(), sleep(PATIENCE_MS, undefined)]);
    const ms = how === undefined ? undefined : performance.now() - startedAt;
    const answers = [answered(await inFlight), answered(await waiting)];
    await blocked;
    return {
      tally: batch.snapshot(),
      deaths: [],
      ms,
      remarks: [
        `${answers[0]} in flight and ${answers[1]} waiting answered`,
        ...(how === undefined ? [] : [`ended with ${how}`]),
      ],
    };
  },
};

/** @type {Row} */
export const masterKilled = {
  name: "master-killed",
  event: "the master is killed (SIGKILL), 20 requests in flight",
  time: "until the last process has gone",
  otherwise: "processes left",
  async run(server, owe) {
    const batch = new Batch(server, owe);
    await untilReady(server);
    const clients = await batch.open(20);
    const asked = batch.ask(clients, { path: "/slow?2000" });
    await sleep(SETTLE_MS);
    process.kill(server.masterPid, "SIGKILL");
    const startedAt = performance.now();
    const freeMs = await poll(() => isRefused(server.target), startedAt);
    const ms = await poll(async () => (await server.processes()).length === 0, startedAt);
    const left = (await server.processes()).length;
    const exchanges = await asked;
    return {
      tally: batch.snapshot(),
      deaths: [],
      ms,
      remarks: [
        `${answered(exchanges)} in flight answered`,
        freeMs === undefined
          ? `port taken for more than ${seconds(PATIENCE_MS)}`
          : `port free after ${seconds(freeMs)}`,
        ...(left > 0 ? [`${left} processes left`] : []),
      ],
    };
  },
};

/**
 * Whether nobody listens there.
 * @param {net.TcpNetConnectOpts} address
 * @returns {Promise<boolean>}
 */
function isRefused(address) {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    socket.once("error", () => resolve(true));
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
  });
}
