/** Interleaved rounds and their medians: what changes on the machine meanwhile changes for both sides. */

/**
 * Runs every contender once a round, in turn; the first round only warms up.
 * @template T
 * @param {number} rounds
 * @param {Readonly<Record<string, () => Promise<T>>>} contenders
 * @returns {Promise<Record<string, T[]>>}
 */
export async function interleaved(rounds, contenders) {
  /** @type {Record<string, T[]>} */
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, measure] of Object.entries(contenders)) {
      const value = await measure();
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
