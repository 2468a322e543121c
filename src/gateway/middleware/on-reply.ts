/**
 * Lets a middleware see head and body of a reply together before either goes on. The head is held until it cannot be
 * replaced any more: until a list is returned, or until the first chunk that is not empty (PEP 3333, "The
 * start_response() Callable"). A body that is handed on unchanged costs nothing.
 */

import { type BodyReader, isThenable, openBody } from "../body.ts";
import { ResponseStart } from "../start-response.ts";
import type { Application, Body, Chunk, Environ, HeaderList, StartResponse, Status } from "../types.ts";
import { closeReader, pullNext } from "./map-chunks.ts";

/** A reply as it was begun, or as it shall be. */
export interface Reply {
  readonly status: Status;
  readonly headers: HeaderList;
  readonly body: Body;
}

export interface OnReplyOptions {
  /** Whether `change` may return an async body for one that is not. Default: false. */
  readonly makesAsync?: boolean;
  /** The reply in the place of an error of the application that came before any of its reply has gone on. Default: none. */
  readonly onError?: (error: unknown) => Reply;
}

/**
 * Calls the application, and `change` with its reply when that has begun. What `change` returns is sent; a body that it
 * does not hand on it has to close. Without `onError`, errors of the application pass through.
 */
export function onReply(
  application: Application,
  environ: Environ,
  startResponse: StartResponse,
  change: (reply: Reply) => Reply,
  options: OnReplyOptions = {},
): Body | PromiseLike<Body> {
  const held = new HeldReply(startResponse, change, options);
  try {
    const body = application(environ, held.startResponse);
    if (!isThenable(body)) return held.answer(body);
    return body.then((settled) => held.answer(settled)).then(undefined, (error: unknown) => held.failed(error));
  } catch (error) {
    return held.failed(error);
  }
}

class HeldReply {
  private readonly outer: StartResponse;
  private readonly change: (reply: Reply) => Reply;
  private readonly options: OnReplyOptions;
  private readonly start = new ResponseStart();
  private status: Status = 200;
  private headers: HeaderList = [];
  private error: { readonly error: unknown } | undefined;

  constructor(outer: StartResponse, change: (reply: Reply) => Reply, options: OnReplyOptions) {
    this.outer = outer;
    this.change = change;
    this.options = options;
  }

  /** Checks what it is given at once, so that the error is thrown where the mistake is. */
  readonly startResponse: StartResponse = (status, headers, options) => {
    this.start.start(status, headers, options);
    this.status = status;
    this.headers = headers;
    this.error = options?.error === undefined ? undefined : { error: options.error };
  };

  answer(body: Body): Body {
    if (Array.isArray(body) && this.start.head !== undefined) return this.release(body);
    const read: Read = { reader: openBody(body) };
    const isAsync = read.reader.isAsync || this.options.makesAsync === true;
    const chunks = isAsync ? this.pullAsync(read) : this.pull(read);
    return Object.assign(chunks, { close: () => closeReader(read.reader) });
  }

  /** The body in the place of what failed. Throws the error where it is too late for that, or nobody wants to answer. */
  failed(error: unknown): Body {
    if (this.start.isSent || this.options.onError === undefined) throw error;
    const reply = this.options.onError(error);
    this.start.isSent = true;
    this.outer(reply.status, reply.headers, { error });
    return reply.body;
  }

  private *pull(read: Read): Generator<Chunk> {
    try {
      let first = read.reader.pull();
      for (; first !== undefined && isEmpty(first.value); first = read.reader.pull()) yield "";
      this.goOn(read, restOf(read.reader, first, this));
    } catch (error) {
      this.replace(read, error);
    }
    if (read.reader.isAsync) throw new TypeError("the middleware answers with an async body without makesAsync");
    for (let result = read.reader.pull(); result !== undefined; result = read.reader.pull()) {
      yield result.value as Chunk;
    }
  }

  private async *pullAsync(read: Read): AsyncGenerator<Chunk> {
    try {
      let first = await pullNext(read.reader);
      for (; first.done !== true && isEmpty(first.value); first = await pullNext(read.reader)) yield "";
      this.goOn(read, restOfAsync(read.reader, first, this));
    } catch (error) {
      this.replace(read, error);
    }
    for (;;) {
      const result = await pullNext(read.reader);
      if (result.done === true) return;
      yield result.value as Chunk;
    }
  }

  /** From here on the body that `change` answers with is read, and closed in the place of the application's. */
  private goOn(read: Read, rest: Body): void {
    const body = Object.assign(rest, { close: closerOf(read.reader) });
    // Without a head there is nothing to change: whoever sends this says what is wrong with it.
    read.reader = openBody(this.start.head === undefined ? body : this.release(body));
  }

  private replace(read: Read, error: unknown): void {
    const body = openBody(this.failed(error));
    // What goes wrong in closing a body that has failed is of no interest any more.
    void read.reader.close(() => {});
    read.reader = body;
  }

  private release(body: Body): Body {
    const reply = this.change({ status: this.status, headers: this.headers, body });
    this.outer(reply.status, reply.headers, this.error);
    this.start.isSent = true;
    return reply.body;
  }

  /** The application began to send, changed its mind and swallowed the error: the reply is broken all the same. */
  failIfBroken(): void {
    if (this.start.broken !== undefined) throw this.start.broken.error;
  }
}

/** The body that is read at the moment. */
interface Read {
  reader: BodyReader;
}

function closerOf(reader: BodyReader): () => void | PromiseLike<void> {
  return () => closeReader(reader);
}

function* restOf(
  reader: BodyReader,
  first: { readonly value: unknown } | undefined,
  held: HeldReply,
): Generator<Chunk> {
  for (let result = first; result !== undefined; result = reader.pull()) {
    held.failIfBroken();
    yield result.value as Chunk;
  }
  held.failIfBroken();
}

async function* restOfAsync(
  reader: BodyReader,
  first: IteratorResult<unknown, undefined>,
  held: HeldReply,
): AsyncGenerator<Chunk> {
  for (let result = first; result.done !== true; result = await pullNext(reader)) {
    held.failIfBroken();
    yield result.value as Chunk;
  }
  held.failIfBroken();
}

function isEmpty(chunk: unknown): boolean {
  return (chunk as Chunk | undefined)?.length === 0;
}
