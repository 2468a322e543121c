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
    if (away < bestDistance) [best, bestDistance] = [candidate, away];
  }
  return best;
}

/** Edit distance; one word being the beginning of the other (`--work`, `--workers`) counts as near. */
function apart(a: string, b: string): number {
  const edits = distance(a, b);
  const isPrefix = a.length >= 3 && (b.startsWith(a) || a.startsWith(b));
  return isPrefix ? Math.min(edits, 2) : edits;
}
