/** Writing to a descriptor at once and as a whole, though a pipe behind it may be full and made such that it does not wait. */

import fs from "node:fs";
import { hasCode } from "./errors.ts";

/** Before a full pipe is tried again. */
const PAUSE_MS = 5;

/**
 * Returns when all is written, or false when it cannot be.
 * @param patienceMs how long it waits for a reader, in milliseconds
 */
export function writeWhole(fd: number, bytes: Uint8Array, patienceMs = Infinity): boolean {
  const endsAt = performance.now() + patienceMs;
  for (let written = 0; written < bytes.length;) {
    try {
      written += fs.writeSync(fd, bytes, written);
    } catch (error) {
      if (!hasCode(error, "EAGAIN") || performance.now() > endsAt) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
  return true;
}
