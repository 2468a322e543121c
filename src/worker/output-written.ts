/** The application's last words: what it has written to a pipe that is full would be lost with the process. */

import type { Writable } from "node:stream";
import { settledWithin } from "../settled-within.ts";

/** Whoever reads may be slow, and nobody need read at all. */
const LONGEST_MS = 1000;

/** Resolves when standard output and standard error have taken all that was written to them, or a second has passed. */
export async function outputWritten(): Promise<void> {
  await settledWithin(LONGEST_MS, Promise.all([process.stdout, process.stderr].map((stream) => written(stream))));
}

async function written(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
