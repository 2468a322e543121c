/** What Node does not document of streams that are written to: what they have handed on, and what they hold back. */

import type { RawHandle } from "./node-handles.ts";

/**
 * Follows what is written to a stream that a pipe stands behind; what is returned tells what the system has not taken
 * yet. Undefined for a file or a terminal, which take everything at once.
 */
export function followWrites(stream: NodeJS.WritableStream): (() => Buffer) | undefined {
  const socket = stream as unknown as WritableInternals;
  const { _handle: handle, _write: write, _writev: writev } = socket;
  if (handle?.writeQueueSize === undefined || writev === undefined) return undefined;
  let underWay: readonly WrittenChunk[] = [];
  socket._write = function (chunk, encoding, callback) {
    write.call(this, chunk, encoding, callback);
    underWay = (handle.writeQueueSize ?? 0) > 0 ? [{ chunk, encoding }] : [];
  };
  socket._writev = function (chunks, callback) {
    writev.call(this, chunks, callback);
    underWay = (handle.writeQueueSize ?? 0) > 0 ? chunks : [];
  };
  return () => {
    const begun = Buffer.concat(underWay.map(bytesOf));
    const rest = begun.subarray(begun.length - Math.min(begun.length, handle.writeQueueSize ?? 0));
    return Buffer.concat([rest, ...socket._writableState.getBuffer().map(bytesOf)]);
  };
}

/**
 * Tells what a stream hands on to where it leads: one chunk, or so many that have stood in line. Returns what ends that;
 * whatever somebody else has put around it by then stays.
 */
export function seeHandedOn(
  stream: NodeJS.WritableStream,
  one: (chunk: unknown, encoding: unknown) => void,
  several: (count: number) => void,
): () => void {
  const socket = stream as unknown as WritableInternals;
  const { _write: write, _writev: writev } = socket;
  const handOn: WritableInternals["_write"] = function (this: unknown, chunk, encoding, callback) {
    one(chunk, encoding);
    write.call(this, chunk, encoding, callback);
  };
  const handOnSeveral: WritableInternals["_writev"] = function (this: unknown, chunks, callback) {
    several(chunks.length);
    writev?.call(this, chunks, callback);
  };
  socket._write = handOn;
  // Of a stream that takes chunks one by one it is null.
  if (typeof writev === "function") socket._writev = handOnSeveral;
  return () => {
    if (socket._write === handOn) socket._write = write;
    if (socket._writev === handOnSeveral && writev !== undefined) socket._writev = writev;
  };
}

interface WrittenChunk {
  readonly chunk: unknown;
  readonly encoding: unknown;
}

interface WritableInternals {
  readonly _handle?: RawHandle | null;
  readonly _writableState: { getBuffer(): readonly WrittenChunk[] };
  _write: (this: unknown, chunk: unknown, encoding: unknown, callback: unknown) => void;
  _writev?: (this: unknown, chunks: readonly WrittenChunk[], callback: unknown) => void;
}

function bytesOf({ chunk, encoding }: WrittenChunk): Buffer {
  return typeof chunk === "string"
    ? Buffer.from(chunk, Buffer.isEncoding(String(encoding)) ? (encoding as BufferEncoding) : "utf8")
    : Buffer.from(chunk as Uint8Array);
}
