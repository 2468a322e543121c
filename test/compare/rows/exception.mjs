/** An exception that the application catches nowhere, while the same worker has other requests in progress. */

import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../support/traffic/connection.mjs";
import { Batch, answered } from "../lib/batch.mjs";
import { answeredPids, startFlowing, untilFullStrength } from "../lib/row.mjs";

const BESIDE = 20;
const SLOW_MS = 1500;
const THROW_AFTER_MS = 300;

/** @type {import("../lib/row.mjs").Row} */
export const exception = {
  name: "exception",
  event: `an exception that the application catches nowhere, ${BESIDE} requests in flight beside it`,
  time: "until two workers answer",
  otherwise: "fewer than two answer",
  async run(server, owe) {
    const traffic = await startFlowing(server, owe);
    const [pid = 0] = await answeredPids(traffic);
    const batch = new Batch(server, owe);
    const beside = await batch.openTo(pid, BESIDE);
    const throwing = await batch.openTo(pid, 1);
    const slow = batch.ask(beside, { path: `/slow?${SLOW_MS}` });
    /** @type {number | undefined} Where an exception is the business of its request alone, the worker stays. */
    let status;
    void batch.ask(throwing, { path: `/throw?${THROW_AFTER_MS}` }).then(([thrown]) => (status = thrown?.reply?.status));
    await sleep(THROW_AFTER_MS);
    const ms = await untilFullStrength(server, traffic, { without: [pid], isOver: () => status !== undefined });
    const isDead = !(await server.workerPids()).includes(pid);
    const deaths = isDead ? [{ pid, at: now() }] : [];
    const answers = answered(await slow);
    const what = status === undefined ? "the worker is replaced" : `status ${status}, the worker goes on`;
    return { tally: await traffic.stop(), deaths, ms, remarks: [`${answers} in flight beside it answered`, what] };
  },
};
