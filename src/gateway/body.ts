/**
 * A response body as the server reads it: one chunk at a time, and closed exactly once (PEP 3333: "the server must
 * call close() upon completion of the current request"). Knows every shape a body may have and nothing of responses.
 */

import type { Readable } from "node:stream";
import type { ReadableStream, ReadableStreamDefaultReader } from "node:stream/web";
import { isAnyArrayBuffer, isUint8Array } from "node:util/types";
import { kindOf } from "./response-headers.ts";

/** Takes a body in hand. Throws a `TypeError` that says what a body is for anything that is none. */
export function openBody(body: unknown): BodyReader {
  if (typeof body === "object" && body !== null && !isUint8Array(body) && !isAnyArrayBuffer(body)) {
    if (typeof (body as ReadableStream).getReader === "function") return new BodyReader(body, webIterator);
    if (typeof (body as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function")
      return new BodyReader(body, asyncIterator);
    if (typeof (body as Iterable<unknown>)[Symbol.iterator] === "function") return new BodyReader(body, undefined);
  }
  throw new TypeError(
    `the application returned ${kindOf(body)} as its body; a body is an iterable of chunks: ` +
      (typeof body === "string" || isUint8Array(body) ? "return [body]" : "an array, a generator, a stream"),
  );
}

/** Whether the body is a list that needs no closing. */
export function isBareList(body: unknown): body is readonly unknown[] {
  if (!Array.isArray(body)) return false;
  const list = body as { close?: unknown } & Partial<AsyncDisposable> & Partial<Disposable>;
  return list.close === undefined && list[Symbol.asyncDispose] === undefined && list[Symbol.dispose] === undefined;
}

export class BodyReader {
  readonly isAsync: boolean;
  private readonly body: object;
  private readonly makeAsync: ((body: object) => AsyncIterator<unknown>) | undefined;
  private iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;
  private isExhausted = false;
  private isClosed = false;

  constructor(body: object, makeAsync: ((body: object) => AsyncIterator<unknown>) | undefined) {
    this.body = body;
    this.makeAsync = makeAsync;
    this.isAsync = makeAsync !== undefined;
  }

  /** The next chunk of a body that is not async; undefined at its end. Throws what the application throws. */
  pull(): { readonly value: unknown } | undefined {
    this.iterator ??= (this.body as Iterable<unknown>)[Symbol.iterator]();
    let result: IteratorResult<unknown>;
    try {
      result = (this.iterator as Iterator<unknown>).next();
    } catch (error) {
      this.isExhausted = true;
      throw error;
    }
    if (result.done !== true) return result;
    this.isExhausted = true;
    return undefined;
  }

  /** The next result of an async body; whoever awaits it says with `exhausted` when it was the last or an error. */
  pullAsync(): PromiseLike<IteratorResult<unknown>> {
    this.iterator ??= (this.makeAsync as (body: object) => AsyncIterator<unknown>)(this.body);
    return (this.iterator as AsyncIterator<unknown>).next();
  }

  /** The iterator has ended or thrown by itself, and needs no `return()`. */
  exhausted(): void {
    this.isExhausted = true;
  }

  /**
   * Leaves the iteration if it is not through, and closes the body. Never throws; what goes wrong is reported. Returns
   * what is still to be waited for until it is closed, if anything is.
   */
  close(report: (error: unknown) => void): Promise<unknown> | undefined {
    if (this.isClosed) return undefined;
    this.isClosed = true;
    const leaving = this.isExhausted ? undefined : attempt(() => this.abandon(), report);
    const closing = attempt(() => this.dispose(), report);
    return leaving === undefined && closing === undefined ? undefined : Promise.all([leaving, closing]);
  }

  /** A stream is destroyed, because its iterator's `return()` would wait for a chunk that may never come. */
  private abandon(): unknown {
    const { body, iterator } = this;
    if (typeof (body as Readable).destroy === "function") return void (body as Readable).destroy();
    if (iterator !== undefined) return iterator.return?.();
    if (typeof (body as ReadableStream).getReader === "function") return (body as ReadableStream).cancel();
    return isIterator(body) ? body.return?.() : undefined;
  }

  private dispose(): unknown {
    const body = this.body as { close?: unknown } & Partial<AsyncDisposable> & Partial<Disposable> & Partial<Readable>;
    if (typeof body.close === "function") return body.close();
    // An iterator's own disposal is its return(), a stream's is destroy(): both have been seen to.
    if (isIterator(body) || typeof body.destroy === "function") return undefined;
    return body[Symbol.asyncDispose]?.() ?? body[Symbol.dispose]?.();
  }
}

function asyncIterator(body: object): AsyncIterator<unknown> {
  return (body as AsyncIterable<unknown>)[Symbol.asyncIterator]();
}

/** Not the stream's own iterator: that cannot be cancelled while a read is pending. */
function webIterator(body: object): AsyncIterator<unknown> {
  const reader: ReadableStreamDefaultReader<unknown> = (body as ReadableStream<unknown>).getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

function isIterator(body: object): body is Iterator<unknown> {
  return typeof (body as Iterator<unknown>).next === "function";
}

function attempt(action: () => unknown, report: (error: unknown) => void): PromiseLike<unknown> | undefined {
  try {
    const result = action();
    return isThenable(result) ? result.then(undefined, report) : undefined;
  } catch (error) {
    report(error);
    return undefined;
  }
}

/** Whether `value` has to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as PromiseLike<unknown>).then === "function";
}
