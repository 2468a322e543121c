/**
 * Which failures a worker's death excuses. What tally.mjs excuses is known: the connection had seen the worker. A
 * connection that had never been answered cannot name its worker; it is excused if it was there when a worker died, and
 * ended at that moment. A request that is refused or times out is nobody's death.
 */

import { unexcusedFailures } from "../../support/traffic/tally.mjs";

/** @typedef {{ pid: number, at: number }} Death `at`: epoch milliseconds, as it was seen */

const MOMENT_MS = 1000;

/**
 * How many failures these deaths excuse. The tally lists the first failures only; what is not listed is not excused.
 * @param {import("../../support/traffic/tally.mjs").Tally} tally
 * @param {readonly Death[]} deaths
 */
export function excusedCount(tally, deaths) {
  const pids = deaths.map(({ pid }) => pid);
  const unexcused = unexcusedFailures(tally, pids).filter(
    ({ lastPid, outcome, openedAt, endedAt }) =>
      lastPid !== undefined ||
      !(outcome === "reset" || outcome === "closedBeforeReply") ||
      !deaths.some(({ at }) => openedAt < at && Math.abs(endedAt - at) < MOMENT_MS),
  );
  return unexcusedFailures(tally).length - unexcused.length;
}
