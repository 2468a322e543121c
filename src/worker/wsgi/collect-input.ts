/**
 * Takes a request's body in before Python is given the request, so that a client that sends slowly holds no thread. Up
 * to a window: what is beyond it is pulled by the application itself.
 */

import type { Environ } from "../../gateway/index.ts";
import type { FirstInput } from "./python-call.ts";

/** Rejects when the client goes away meanwhile. */
export async function collectInput(environ: Environ, windowBytes: number): Promise<FirstInput> {
  const length = environ.CONTENT_LENGTH === undefined ? undefined : Number(environ.CONTENT_LENGTH);
  if (length === 0) return { bytes: undefined, isWhole: true };
  // The client waits to be told that the body is wanted, which only the application can say (RFC 9110 section 10.1.1).
  if (environ.HTTP_EXPECT !== undefined) return { bytes: undefined, isWhole: false };
  const input = environ["gateway.input"];
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < windowBytes) {
    const chunk = await input.read(windowBytes - size);
    if (chunk.length === 0) return { bytes: Buffer.concat(chunks, size), isWhole: true };
    chunks.push(chunk);
    size += chunk.length;
    if (size === length) return { bytes: Buffer.concat(chunks, size), isWhole: true };
  }
  return { bytes: Buffer.concat(chunks, size), isWhole: false };
}
