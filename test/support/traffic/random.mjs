/** Seeded random numbers, so that the same seed makes the same pauses and the same choices. */

/** @typedef {() => number} Random a source of numbers in [0, 1) */

/**
 * A small generator (mulberry32).
 * @param {number} seed
 * @returns {Random}
 */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A number between `low` and `high` whose logarithm is evenly spread: as many short ones as long ones.
 * @param {Random} random
 * @param {number} low
 * @param {number} high
 */
export function logUniform(random, low, high) {
  return low * (high / low) ** random();
}

/**
 * One of `items`, each as likely as the others.
 * @template T
 * @param {Random} random
 * @param {readonly T[]} items
 * @returns {T}
 */
export function pick(random, items) {
  return /** @type {T} */ (items[Math.floor(random() * items.length)]);
}
