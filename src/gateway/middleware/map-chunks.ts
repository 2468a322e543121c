/**
 * A body made of another one, chunk by chunk, by the rules for middleware: one chunk out for each that comes in, nothing
 * pulled before it is asked for, an async body only where the inner one is, and `close()` passed on once.
 */

import { type BodyReader, isThenable, openBody } from "../body.ts";
import type { Body, Chunk } from "../types.ts";

/**
 * The body with each chunk replaced by what `change` makes of it, which may be empty, and what `end` returns, if
 * anything, behind the last. A list stays a list. Throws a `TypeError` for what is no body.
 */
export function mapChunks(body: Body, change: (chunk: Chunk) => Chunk, end?: () => Chunk | undefined): Body {
  if (Array.isArray(body)) return mapList(body, change, end);
  const reader = openBody(body);
  return reader.isAsync ? ownedBy(reader, mapAsync(reader, change, end)) : ownedBy(reader, map(reader, change, end));
}

/** Closes a body that is not sent. A promise where that takes time; throws or rejects with what went wrong. */
export function closeBody(body: Body): void | PromiseLike<void> {
  return closeReader(openBody(body));
}

/** The next result of a body, async or not. */
export async function pullNext(reader: BodyReader): Promise<IteratorResult<unknown, undefined>> {
  if (!reader.isAsync) {
    const result = reader.pull();
    return result === undefined ? { done: true, value: undefined } : { done: false, value: result.value };
  }
  try {
    const result = await reader.pullAsync();
    if (result.done !== true) return result;
  } catch (error) {
    reader.exhausted();
    throw error;
  }
  reader.exhausted();
  return { done: true, value: undefined };
}

/**
 * The iterator as a body whose `close()` closes what `reader` reads. Not in a `finally` of the generator: that would wait
 * for a chunk that may never come, and would not run at all in one that was never pulled.
 */
function ownedBy<Chunks extends Iterable<Chunk> | AsyncIterable<Chunk>>(
  reader: BodyReader,
  chunks: Chunks,
): Chunks & { close(): void | PromiseLike<void> } {
  return Object.assign(chunks, { close: () => closeReader(reader) });
}

/** Closes a body that is being read. A promise where that takes time; throws or rejects with what went wrong. */
export function closeReader(reader: BodyReader): void | PromiseLike<void> {
  const errors: unknown[] = [];
  const settled = (): void => {
    if (errors.length > 0) throw errors[0];
  };
  const pending = reader.close((error) => errors.push(error));
  return isThenable(pending) ? pending.then(settled) : settled();
}

function mapList(
  list: readonly Chunk[] & { close?: unknown },
  change: (chunk: Chunk) => Chunk,
  end?: () => Chunk | undefined,
): Body {
  const mapped = list.map((chunk) => change(chunk));
  const last = end?.();
  if (last !== undefined) mapped.push(last);
  return typeof list.close === "function" ? Object.assign(mapped, { close: () => closeBody(list) }) : mapped;
}

function* map(reader: BodyReader, change: (chunk: Chunk) => Chunk, end?: () => Chunk | undefined): Generator<Chunk> {
  for (let result = reader.pull(); result !== undefined; result = reader.pull()) yield change(result.value as Chunk);
  const last = end?.();
  if (last !== undefined) yield last;
}

async function* mapAsync(
  reader: BodyReader,
  change: (chunk: Chunk) => Chunk,
  end?: () => Chunk | undefined,
): AsyncGenerator<Chunk> {
  for (;;) {
    const result = await pullNext(reader);
    if (result.done === true) break;
    yield change(result.value as Chunk);
  }
  const last = end?.();
  if (last !== undefined) yield last;
}
