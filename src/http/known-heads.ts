/**
 * Heads that have come before. Kept connections, proxies and health checks send the same bytes over and over, and what
 * was made of them once is not made again. Invariant: a head is found by all of its bytes and the rules it was read by,
 * so that it means what it would if it were read again. Bounded, because clients choose the bytes.
 */

import { BYTES, INPUT, slice } from "./llhttp.ts";
import type { HeadRules, RequestHead } from "./request-head.ts";

export interface KnownHead {
  /** All of it, from the end of the message before to its own. */
  readonly text: string;
  readonly print: number;
  readonly rules: HeadRules;
  readonly head: RequestHead;
  /** What llhttp knows behind it, when a body follows. */
  readonly after: Uint8Array | undefined;
}

export class KnownHeads {
  readonly #known: (KnownHead | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  /** The fingerprint that was not found last at each place: a head is kept when it comes again, and most never do. */
  readonly #missed = new Int32Array(PLACES);
  /** That of different heads at each place, of which none is kept. */
  readonly #ambiguous = new Int32Array(PLACES);
  #print = 0;

  /** The head that stands in `INPUT` from `start` on, and ends at `end` or before, if it is known. */
  find(start: number, end: number, rules: HeadRules): KnownHead | undefined {
    this.#print = fingerprint(start, end);
    const place = this.#print & (PLACES - 1);
    const known = this.#known[place];
    if (known === undefined || known.print !== this.#print || known.rules !== rules) return undefined;
    if (slice(start, start + known.text.length) === known.text) return known;
    this.#ambiguous[place] = this.#print;
    return undefined;
  }

  /** Notes what was read after `find` had not found it. `headEnd`: where in `INPUT` it ended. */
  note(start: number, headEnd: number, rules: HeadRules, head: RequestHead, after: Uint8Array | undefined): void {
    const print = this.#print;
    const place = print & (PLACES - 1);
    if (this.#missed[place] !== print) this.#missed[place] = print;
    else if (this.#ambiguous[place] === print) this.#known[place] = undefined;
    else if (headEnd - start <= LARGEST)
      this.#known[place] = { text: slice(start, headEnd), print, rules, head, after: after?.slice() };
  }
}

/**
 * Of a head alone its length, its first bytes and some of all the others; of one with a body behind it some of the first.
 * Good enough to seldom compare in vain.
 */
function fingerprint(start: number, end: number): number {
  const isAlone = INPUT[end - 1] === LF && INPUT[end - 3] === LF;
  let print = isAlone ? end - start : 0;
  const firstEnd = Math.min(start + FIRST, end - 3);
  for (let at = start; at < firstEnd; at += 4) print = Math.imul(print ^ BYTES.getInt32(at, true), PRIME);
  if (!isAlone) return mixed(print);
  const step = 4 + (((end - firstEnd) / SAMPLES) | 0);
  for (let at = end - 8; at >= firstEnd; at -= step) print = Math.imul(print ^ BYTES.getInt32(at, true), PRIME);
  return mixed(print);
}

function mixed(print: number): number {
  return print ^ (print >>> 15);
}

const LF = 10;
const PLACES = 128;
const FIRST = 64;
const SAMPLES = 16;
const LARGEST = 2048;
/** Of FNV-1a. */
const PRIME = 16_777_619;
