/** Two servers under the same load, in turns: the ratio of the CPU time that their process trees spend on a request. */

import { atMost, rounded } from "./figures.mjs";
import { interleaved, lowerQuartile, median, medianRatio } from "./rounds.mjs";
import { cpuPerRequest, needWrk } from "./wrk.mjs";

/**
 * @param {object} options
 * @param {string} options.name
 * @param {number} options.limit the ratio asked for
 * @param {number} options.rounds
 * @param {Parameters<typeof cpuPerRequest>[1]} options.load
 * @param {() => Promise<import("./servers.mjs").Running>} options.ours
 * @param {() => Promise<import("./servers.mjs").Running>} options.theirs
 */
export async function compareCpu({ name, limit, rounds, load, ours, theirs }) {
  await needWrk();
  const [mine, other] = [await ours(), await theirs()];
  try {
    const results = await interleaved(rounds, {
      ours: () => cpuPerRequest(mine, load),
      theirs: () => cpuPerRequest(other, load),
    });
    return [figure(name, limit, results.ours ?? [], results.theirs ?? [])];
  } finally {
    await Promise.all([mine.stop(), other.stop()]);
  }
}

/**
 * @param {string} name
 * @param {number} limit
 * @param {readonly { micros: number, perSecond: number, errors: number }[]} ours
 * @param {typeof ours} theirs
 */
function figure(name, limit, ours, theirs) {
  const [mine = [], other = []] = [ours, theirs].map((results) => results.map(({ micros }) => micros));
  return atMost(name, medianRatio(mine, other), limit, {
    unit: "×",
    digits: 3,
    details: {
      tsgateMicros: rounded(mine),
      otherMicros: rounded(other),
      tsgatePerSecond: Math.round(median(ours.map(({ perSecond }) => perSecond))),
      otherPerSecond: Math.round(median(theirs.map(({ perSecond }) => perSecond))),
      // On a busy machine the quieter rounds say more than the middle one.
      lowerQuartileRatio: Math.round((lowerQuartile(mine) / lowerQuartile(other)) * 1000) / 1000,
      errors: [...ours, ...theirs].reduce((sum, { errors }) => sum + errors, 0),
    },
  });
}
