/** What Node does not document of sockets: what their handles tell, and ways to read and write past their streams. */

import fs from "node:fs";
import net from "node:net";
import type { TLSSocket } from "node:tls";
import type { RawHandle } from "./node-handles.ts";

/**
 * Reads what lies unread in the kernel for `socket`, at once and past the event loop; when nothing does, closes it in the
 * same moment, so that hardly anything can come between. Undefined when it is closed.
 */
export function readOrClose(socket: net.Socket): Buffer | undefined {
  const handle = (socket as unknown as { _handle: RawHandle | null })._handle;
  const fd = handle?.fd ?? -1;
  let unread: Buffer | undefined;
  // What lies there on TLS is encrypted, and only TLS itself may take it.
  if (handle !== null && fd >= 0 && !("encrypted" in socket)) {
    const { stackTraceLimit } = Error;
    // That nothing is there comes as an error, and writing its stack would take longer than all the rest.
    Error.stackTraceLimit = 0;
    try {
      unread = readNow(fd) ?? readNow(fd);
      if (unread === undefined) closeBelow(handle);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
  if (unread !== undefined && unread.length > 0) return Buffer.from(unread);
  socket.destroy();
  return undefined;
}

/**
 * What lies unread, or undefined. Node tells "nothing" only by an error, which the first time after a pause takes more than
 * twice as long as at once again: who closes then looks twice, and what comes between look and close is rarer.
 */
function readNow(fd: number): Buffer | undefined {
  try {
    return readBuffer.subarray(0, fs.readSync(fd, readBuffer));
  } catch {
    return undefined;
  }
}

/** How much of what was written to a socket the kernel has taken, ever, and how much still waits for it. */
export function writtenBytes(socket: net.Socket): { taken: number; waiting: number } {
  const handle = (socket as unknown as { _handle: RawHandle | null })._handle;
  const waiting = handle?.writeQueueSize ?? 0;
  return { taken: (handle?.bytesWritten ?? 0) - waiting, waiting };
}

/** Closes a handle before its socket does, which then still learns when it is closed. */
function closeBelow(handle: RawHandle): void {
  let tell: (() => void) | undefined;
  handle.close(() => tell?.());
  handle.close = (callback) => (tell = callback);
}

const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** The plain socket below an encrypted one that a server has accepted; undefined when this Node does not tell. */
export function transportOf(socket: TLSSocket): net.Socket | undefined {
  return (socket as unknown as { _parent?: net.Socket })._parent;
}

/** A socket that reads into a buffer of ours: told how many bytes have come, for as long as the call lasts. */
type ReadCallback = (this: net.Socket, bytes: number) => void;

/**
 * Lets a socket that has just been accepted read into `buffer`, as `onread` does for one that connects: no buffer is
 * made for each read, and no `data` event emitted. False, and nothing has changed, where this Node cannot.
 */
export function readInto(socket: net.Socket, buffer: Uint8Array, callback: ReadCallback): boolean {
  const { _handle: handle } = socket as unknown as { _handle: { useUserBuffer?(buffer: Uint8Array): void } | null };
  if (handle?.useUserBuffer === undefined || "encrypted" in socket || socket.constructor !== net.Socket) return false;
  readSymbols ??= symbolsOf(socket);
  if (readSymbols === undefined) return false;
  const slots = socket as unknown as Record<symbol, unknown>;
  slots[readSymbols.buffer] = buffer;
  slots[readSymbols.callback] = callback;
  handle.useUserBuffer(buffer);
  return true;
}

/**
 * From here on what comes for `socket` is a stream's again, which nobody has begun to read, as Node hands over one that
 * changes to another protocol: it flows for whoever listens, and until then reads what it may hold.
 */
export function readAsStream(socket: net.Socket, buffer: Uint8Array): void {
  const slots = socket as unknown as Record<symbol, unknown>;
  if (readSymbols !== undefined && slots[readSymbols.callback] !== null) {
    slots[readSymbols.callback] = function (this: net.Socket, bytes: number) {
      return this.push(Buffer.from(buffer.subarray(0, bytes)));
    };
  }
  if (socket.isPaused()) socket.resume();
  // Node's types take it for one that is only read.
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
  socket.read(0);
}

function symbolsOf(socket: net.Socket): { buffer: symbol; callback: symbol } | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === "kBuffer");
  const callback = symbols.find(({ description }) => description === "kBufferCb");
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}

let readSymbols: { buffer: symbol; callback: symbol } | undefined;

/** What became of a write past the stream: the kernel has all of it, the rest waits, it failed, or nothing was written. */
export type Written = "sent" | "queued" | "failed" | "not now";

/**
 * Writes `text`, one character a byte, past the socket's stream, whose machinery costs more than the system call. Only for
 * a plain socket with nothing left to send. After `queued` the socket emits `drain` when all is sent; a write that fails,
 * now or later, destroys it. After `not now` use the stream.
 */
export function writePastStream(socket: net.Socket, text: string): Written {
  const { _handle: handle } = socket as unknown as { _handle: WritableHandle | null };
  if (handle === null || socket.writableLength > 0) return "not now";
  if (writeRequest === undefined) {
    learnToWrite(handle);
    return "not now";
  }
  const request = writeRequest;
  const result = handle.writeLatin1String(request, text);
  if (typeof result === "object") return queued(socket, result);
  if (result !== 0) {
    socket.destroy();
    return "failed";
  }
  if (request === null || handle.writeQueueSize === 0) return "sent";
  writeRequest = new (request.constructor as new () => WriteRequest)();
  return queued(socket, request);
}

/** Whether a socket is one that `writePastStream` may write to. */
export function hasPlainHandle(socket: net.Socket): boolean {
  const { _handle: handle } = socket as unknown as { _handle: Partial<WritableHandle> | null };
  return socket.constructor === net.Socket && typeof handle?.writeLatin1String === "function";
}

interface WritableHandle {
  /** Takes a request, returns an error number; or takes null, and returns a request when not all could be written. */
  writeLatin1String(request: WriteRequest | null, text: string): number | WriteRequest;
  readonly writeQueueSize: number;
}

interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** The outcome, where it was known before anybody could be told. */
  readonly writeStatus?: number | null;
}

/** Which of the two ways this Node has is seen from its own next write: the wrong one would end the process. */
function learnToWrite(handle: WritableHandle): void {
  if (Object.hasOwn(handle, "writeLatin1String")) return;
  handle.writeLatin1String = function (request, text) {
    Reflect.deleteProperty(handle, "writeLatin1String");
    writeRequest ??= request === null ? null : new (request.constructor as new () => WriteRequest)();
    return handle.writeLatin1String(request, text);
  };
}

function queued(socket: net.Socket, request: WriteRequest): Written {
  request.oncomplete = (status) => {
    if (status < 0) socket.destroy();
    else socket.emit("drain");
  };
  if (typeof request.writeStatus === "number") request.oncomplete(request.writeStatus);
  return "queued";
}

/** The request of the next write, which serves until one has to wait; null where Node makes them. */
let writeRequest: WriteRequest | null | undefined;
