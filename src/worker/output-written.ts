/** The application's last words: what it has written to a pipe that is full would be lost with the process. */

import type { Writable } from "node:stream";
import { followWrites } from "../node-streams.ts";
import { settledWithin } from "../settled-within.ts";
import { writeWhole } from "../write-whole.ts";

/** Whoever reads may be slow, and nobody need read at all. */
const LONGEST_MS = 1000;

/**
 * Resolves when standard output and standard error have taken all that was written to them, and `others` has settled, or
 * when a second has passed.
 */
export async function outputWritten(others: Promise<void> | undefined): Promise<void> {
  const streams = [process.stdout, process.stderr].map((stream) => written(stream));
  await settledWithin(LONGEST_MS, Promise.all([...streams, others]));
}

/** Also when the application ends the process by itself: what is left then is written before it ends, as above. */
export function keepLastWords(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const unwritten = followWrites(stream);
    if (unwritten === undefined) continue;
    process.once("exit", () => {
      writeWhole(stream.fd, unwritten(), LONGEST_MS);
      // Other listeners have their say behind this one.
      stream.write = (chunk: Uint8Array | string, encoding?: unknown) => {
        const bytes = typeof chunk === "string" ? Buffer.from(chunk, encodingOf(encoding)) : chunk;
        return writeWhole(stream.fd, bytes, LONGEST_MS);
      };
    });
  }
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8";
}

/** Whoever reads them may go before this process does: what is written then is lost, and that is all. */
export function outliveReader(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

async function written(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
