/**
 * Text of requests that outlives them. What is cut out of a string keeps all of that string: one header that is kept keeps
 * its whole head.
 */

/** A copy that keeps nothing else; text beyond latin-1, which no request brings, as it is. */
export function ownText(text: string): string {
  return BEYOND_LATIN1.test(text) ? text : Buffer.from(text, "latin1").toString("latin1");
}

/** Whether a text that a client has chosen is short enough to be kept for when it comes again. */
export function isWorthKeeping(text: string): boolean {
  return text.length <= LONGEST_KEPT;
}

const BEYOND_LATIN1 = /[\u0100-\uffff]/;

/** Longer than names and hosts are in honest use; many of those of attackers would take megabytes. */
export const LONGEST_KEPT = 200;
