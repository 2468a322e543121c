/**
 * Heads that have come before. Kept connections, proxies and health checks send the same bytes over and over, and what
 * was made of them once is not made again. Invariant: a head is found by all of its bytes and the rules it was read by,
 * so that it means what it would if it were read again. Bounded, because clients choose the bytes.
 */

import { INPUT, slice } from "./llhttp.ts";
import type { HeadRules, RequestHead } from "./request-head.ts";

export interface KnownHead {
  /** All of it, from the end of the message before to its own. */
  readonly text: string;
  readonly rules: HeadRules;
  readonly head: RequestHead;
  /** What llhttp knows behind it, when a body follows. */
  readonly after: Uint8Array | undefined;
}

export class KnownHeads {
  readonly #known: (KnownHead | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  /** What was not found last at each place: a head is kept when it comes again, and most never do. */
  readonly #missed = new Int32Array(PLACES);
  #print = 0;

  /** The head that stands in `INPUT` from `start` on, and ends at `end` or before, if it is known. */
  find(start: number, end: number, rules: HeadRules): KnownHead | undefined {
    this.#print = fingerprint(start, end);
    const known = this.#known[this.#print & (PLACES - 1)];
    if (known === undefined || known.rules !== rules || known.text.length > end - start) return undefined;
    return slice(start, start + known.text.length) === known.text ? known : undefined;
  }

  /** Notes what was read after `find` had not found it. `headEnd`: where in `INPUT` it ended. */
  note(start: number, headEnd: number, rules: HeadRules, head: RequestHead, after: Uint8Array | undefined): void {
    const place = this.#print & (PLACES - 1);
    if (this.#missed[place] !== this.#print) this.#missed[place] = this.#print;
    else if (headEnd - start <= LARGEST)
      this.#known[place] = { text: slice(start, headEnd), rules, head, after: after?.slice() };
  }
}

/**
 * Of a head alone its length and bytes all over it; of one with a body behind it some of its first bytes. Good enough to
 * seldom compare in vain.
 */
function fingerprint(start: number, end: number): number {
  const isAlone = INPUT[end - 1] === LF && INPUT[end - 3] === LF;
  const length = isAlone ? end - start : Math.min(end - start, FIRST);
  const step = length / SAMPLES;
  let print = isAlone ? length : 0;
  for (let i = 0, at = start; i < SAMPLES; i++, at += step) print = Math.imul(print ^ (INPUT[at | 0] as number), PRIME);
  return print ^ (print >>> 15);
}

const LF = 10;
const PLACES = 128;
const SAMPLES = 24;
const FIRST = 96;
const LARGEST = 2048;
/** Of FNV-1a. */
const PRIME = 16_777_619;
