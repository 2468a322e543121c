/**
 * Takes a request's body in before Python is given the request, so that a client that sends slowly holds no thread. Up
 * to a window, and as long as the worker's budget for all of them lasts: what is beyond is pulled by the application.
 */

import type { Environ } from "../../gateway/index.ts";
import type { BodyBudget, BodyShare } from "./body-budget.ts";
import type { FirstInput } from "./python-call.ts";

/** Rejects when the client goes away meanwhile. */
export async function collectInput(environ: Environ, windowBytes: number, budget: BodyBudget): Promise<FirstInput> {
  const length = environ.CONTENT_LENGTH === undefined ? undefined : Number(environ.CONTENT_LENGTH);
  if (length === 0) return { bytes: undefined, isWhole: true };
  // The client waits to be told that the body is wanted, which only the application can say (RFC 9110 section 10.1.1).
  if (environ.HTTP_EXPECT !== undefined) return { bytes: undefined, isWhole: false };
  const share = budget.share();
  try {
    const { chunks, size, isWhole } = await read(environ, length, windowBytes, budget, share);
    return { bytes: Buffer.concat(chunks, size), isWhole, share };
  } catch (error) {
    share.release();
    throw error;
  }
}

async function read(
  environ: Environ,
  length: number | undefined,
  windowBytes: number,
  budget: BodyBudget,
  share: BodyShare,
): Promise<{ readonly chunks: readonly Uint8Array[]; readonly size: number; readonly isWhole: boolean }> {
  const input = environ["gateway.input"];
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < windowBytes && !budget.isSpent) {
    const chunk = await input.read(windowBytes - size);
    if (chunk.length === 0) return { chunks, size, isWhole: true };
    chunks.push(chunk);
    share.add(chunk.length);
    size += chunk.length;
    if (size === length) return { chunks, size, isWhole: true };
  }
  return { chunks, size, isWhole: false };
}
