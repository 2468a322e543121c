/** The application's last words: what it has written to a pipe that is full would be lost with the process. */

import type { Writable } from "node:stream";
import { settledWithin } from "../settled-within.ts";

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

/** Whoever reads them may go before this process does: what is written then is lost, and that is all. */
export function outliveReader(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

async function written(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
