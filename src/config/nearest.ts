/**
 * "Did you mean …": the known word nearest to an unknown one. Knows nothing of what the words are.
 */

import { distance } from "fastest-levenshtein";

/** The candidate nearest to `word`, or undefined when none is near enough to be a slip of the fingers. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const away = apart(wanted, candidate.toLowerCase());
    // Something of the word must be left, or a short word would be near to every other.
    const isSlip = away < Math.min(word.length, candidate.length);
    if (isSlip && away < bestDistance) [best, bestDistance] = [candidate, away];
  }
  return best;
}

/** Edit distance; one word being a good part of the other's beginning (`--work`, `--workers`) counts as near. */
function apart(a: string, b: string): number {
  const edits = distance(a, b);
  const isPrefix = Math.min(a.length, b.length) >= 3 && (b.startsWith(a) || a.startsWith(b));
  return isPrefix ? Math.min(edits, 2) : edits;
}
