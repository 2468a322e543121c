/**
 * How many bytes of body a reply has been given. Node does not tell, so `write` and `end` of all replies of the process
 * count; they change nothing else, and a reply that nobody wants counted costs one look.
 */

import { ServerResponse } from "node:http";

/** Where a reply keeps what is counted for it. */
export const COUNTED: unique symbol = Symbol("tsgate.counted") as never;

/** Something with a count of bytes. */
export interface BodyCount {
  bytesWritten: number;
}

export type CountedResponse<Count extends BodyCount> = ServerResponse & { [COUNTED]?: Count };

type Write = (this: ServerResponse, chunk?: unknown, encoding?: unknown, callback?: unknown) => unknown;

interface Writer {
  write: Write;
  end: Write;
}

/**
 * From here on counts for replies that have a `COUNTED`. Once a process.
 * @param onEnd told of each reply that ends without one
 */
export function countBodies(onEnd: (response: ServerResponse) => void): void {
  const prototype = ServerResponse.prototype as unknown as Writer;
  const { write, end } = prototype;
  prototype.write = function counted(chunk, encoding, callback) {
    count(this, chunk, encoding);
    return write.call(this, chunk, encoding, callback);
  };
  prototype.end = function counted(chunk, encoding, callback) {
    if ((this as CountedResponse<BodyCount>)[COUNTED] === undefined) onEnd(this);
    count(this, chunk, encoding);
    return end.call(this, chunk, encoding, callback);
  };
}

/** The same for replies of HTTP/2, whose `end` writes with `write`. Again and again to no effect. */
export function countBodiesOf(prototype: object): void {
  if (others.has(prototype)) return;
  others.add(prototype);
  const writer = prototype as Writer;
  const { write } = writer;
  writer.write = function counted(chunk, encoding, callback) {
    count(this, chunk, encoding);
    return write.call(this, chunk, encoding, callback);
  };
}

const others = new WeakSet<object>();

function count(response: ServerResponse, chunk: unknown, encoding: unknown): void {
  const counted = (response as CountedResponse<BodyCount>)[COUNTED];
  if (counted === undefined || response.writableEnded) return;
  if (typeof chunk === "string") {
    const named = typeof encoding === "string" ? (encoding as BufferEncoding) : undefined;
    counted.bytesWritten += Buffer.byteLength(chunk, named);
  } else if (chunk instanceof Uint8Array) counted.bytesWritten += chunk.byteLength;
}
