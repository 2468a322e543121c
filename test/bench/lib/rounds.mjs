/** Interleaved rounds and their medians: what changes on the machine meanwhile changes for both sides. */

/**
 * Runs every contender once a round, forwards and backwards in turn; the first round only warms up, and is told so.
 * @template T
 * @param {number} rounds
 * @param {Readonly<Record<string, (isWarmUp: boolean) => Promise<T>>>} contenders
 * @returns {Promise<Record<string, T[]>>}
 */
export async function interleaved(rounds, contenders) {
  /** @type {Record<string, T[]>} */
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    const order = Object.entries(contenders);
    for (const [name, measure] of round % 2 === 0 ? order : order.toReversed()) {
      const value = await measure(round === 0);
      if (round > 0) results[name]?.push(value);
    }
  }
  return results;
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/** @param {readonly number[]} values */
export function lowerQuartile(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 4)] ?? Number.NaN;
}

/**
 * The median of the rounds' ratios: the two numbers of a round were measured at almost the same time.
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
export function medianRatio(ours, theirs) {
  return median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

/**
 * The middle, and how far the rounds were from it.
 * @param {readonly number[]} values
 */
export function spread(values) {
  return { value: median(values), low: Math.min(...values), high: Math.max(...values) };
}
