/**
 * Copies of the bytes that responses are made of, which belong to the caller. Many a server answers with the same large bytes
 * over and over: these are copied once, and compared from then on. Invariant: nobody writes into a copy.
 */

/** A copy of `bytes`; one made before, where that is still the same byte by byte. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  // In a block of memory with others: one of its own takes three times as long.
  if (bytes.length < LARGE) return Buffer.from(bytes);
  const known = copies.get(bytes);
  if (known !== undefined && Buffer.compare(known, bytes) === 0) return known;
  const copy = new Uint8Array(bytes);
  keep(bytes, copy);
  return copy;
}

function keep(bytes: Uint8Array, copy: Uint8Array): void {
  if (copy.length > MOST_KEPT) return;
  kept += copy.length;
  if (kept > MOST_KEPT) {
    copies = new WeakMap();
    kept = copy.length;
  }
  copies.set(bytes, copy);
}

const LARGE = 4096;
/** Bytes of all copies that are kept, as long as what they are copies of is. */
const MOST_KEPT = 4 * 1024 * 1024;
let copies = new WeakMap<Uint8Array, Uint8Array>();
let kept = 0;
