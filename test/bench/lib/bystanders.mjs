/** What other clients of a server notice while it has something else to do. */

import { failedCount } from "../../support/traffic/tally.mjs";
import { atMost } from "./figures.mjs";

/**
 * Their p99, and how late a heartbeat has been meanwhile.
 * @param {string} name of what the server had to do
 * @param {import("../../support/traffic/tally.mjs").Tally} tally of their requests
 * @param {number} lateMs
 * @returns {import("./figures.mjs").Figure[]}
 */
export function othersNoticed(name, tally, lateMs) {
  const { latencyMs, requests } = tally;
  const details = { failed: failedCount(tally), latencyMs, requests };
  return [
    atMost(`${name}: other requests' p99`, latencyMs.p99, 50, { unit: "ms", digits: 1, details }),
    atMost(`${name}: the latest heartbeat, late by`, lateMs, 100, { unit: "ms", digits: 0 }),
  ];
}
