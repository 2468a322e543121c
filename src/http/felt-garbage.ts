/**
 * What has V8 collect the pieces of a large body in time. A piece is an ArrayBuffer, which in V8's own heap takes a few
 * words, whatever it holds: what is young is collected when that heap has grown by some megabytes, and before that 60 MB of
 * pieces may lie about. So with each some of that heap is thrown away, too, and collected with it: 10 MB, not 60.
 */

/** Bodies up to here are none of that. */
export const LARGE = 1 << 20;

/** Kept until the next, or the compiler would leave it out. */
const thrown: { away: unknown } = { away: undefined };

/** So many bytes of a large body will be garbage soon. */
export function willBeGarbage(bytes: number): void {
  // Mostly it is this allocation that has V8 collect, and what is kept then is moved, and has the heap grow.
  thrown.away = undefined;
  thrown.away = Array<undefined>(bytes >> SHARE);
}

/** A slot takes eight bytes: half of what they stand for. */
const SHARE = 4;
