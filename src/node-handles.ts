/**
 * Every call of an undocumented Node function stands here, and nowhere else; each has a test per supported version.
 *
 * The master binds a socket without listening on it and keeps the handle; each worker listens on its own copy. Then
 * the kernel's queue outlives any worker, a hung worker accepts nothing, and no process hands connections around.
 */

import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import type { Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import type { TLSSocket } from "node:tls";
import { getSystemErrorName } from "node:util";

/** A raw libuv stream handle (`TCP` or `Pipe`): what crosses the channel between master and worker. */
export interface RawHandle {
  readonly fd?: number;
  /** Bytes given to libuv, and those of them that the kernel has not taken. */
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
  close(callback?: () => void): void;
  readStart?(): number;
  readStop?(): number;
  listen?(backlog: number): number;
  getsockname?(out: { address?: string; port?: number; family?: string }): number;
}

interface NetInternals {
  _createServerHandle?(
    address: string | null,
    port: number | null,
    type: number | null,
    fd?: number,
  ): RawHandle | number;
}

interface ServerInternals {
  _handle: RawHandle | null;
  _listen2?(address: null, port: -1, addressType: -1, backlog: number): void;
}

const internals = net as unknown as NetInternals;

/** Names the undocumented function that this Node lacks, or undefined when all are there. */
export function missingHandleCall(): string | undefined {
  if (typeof internals._createServerHandle !== "function") return "net._createServerHandle";
  if (typeof (net.Server.prototype as unknown as ServerInternals)._listen2 !== "function") return "net.Server._listen2";
  return undefined;
}

/**
 * Binds `host:port` without listening. Port 0 lets the kernel choose.
 * @throws a system error with `code` (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` …)
 */
export function bindTcp(host: string, port: number): RawHandle {
  const handle = createHandle(host, port, net.isIPv6(host) ? 6 : 4);
  // libuv keeps EADDRINUSE of bind for later; getsockname is where it comes out.
  const bound = tcpAddress(handle);
  if (port !== 0 && bound.port !== port) {
    handle.close();
    throw systemError("EADDRINUSE", "bind");
  }
  return handle;
}

/** Binds a unix socket path, or an abstract name when `path` begins with NUL, without listening. */
export function bindUnix(path: string): RawHandle {
  return createHandle(path, -1, -1);
}

/** Takes over a listening or bound socket that this process inherited as descriptor `fd`. */
export function adoptDescriptor(fd: number): RawHandle {
  return createHandle(null, null, null, fd);
}

/** The local address of a bound TCP handle; throws what the bind deferred. */
export function tcpAddress(handle: RawHandle): { address: string; port: number } {
  const out: { address?: string; port?: number } = {};
  const status = handle.getsockname === undefined ? 0 : handle.getsockname(out);
  if (status !== 0) {
    handle.close();
    throw systemErrorOf(status, "bind");
  }
  return { address: out.address ?? "", port: out.port ?? 0 };
}

/** Whether the handle is a TCP socket (a unix socket has no `getsockname`). */
export function isTcpHandle(handle: RawHandle): boolean {
  return handle.getsockname !== undefined;
}

/**
 * Makes `server` listen on this process's copy of a bound handle. `server.listen()` would be routed to the master by
 * node:cluster. The outcome comes as the server's `listening` or `error` event.
 */
export function listenOnHandle(server: net.Server, handle: RawHandle, backlog: number): void {
  const target = server as unknown as ServerInternals;
  target._handle = handle;
  target._listen2?.(null, -1, -1, backlog);
}

/** Stops accepting and closes this process's copy of the socket; connections that exist live on. */
export function stopAccepting(server: net.Server): void {
  // http.Server.close() would destroy idle keep-alive connections, and with them requests that are on their way.
  net.Server.prototype.close.call(server);
}

/** Makes the kernel refuse what would wait behind `length` connections in the accept queue. */
export function shrinkAcceptQueue(server: net.Server, length: number): void {
  (server as unknown as ServerInternals)._handle?.listen?.(length);
}

/** The descriptor number of a listening server or of a socket, or undefined when it is closed. */
export function descriptorOf(server: net.Server | net.Socket): number | undefined {
  const fd = (server as unknown as ServerInternals)._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

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

/** Whether the client was told to send its body (`100 Continue`). */
export function isContinueSent(response: ServerResponse): boolean {
  return (response as unknown as { _sent100: boolean })._sent100;
}

/** Closes a handle before its socket does, which then still learns when it is closed. */
function closeBelow(handle: RawHandle): void {
  let tell: (() => void) | undefined;
  handle.close(() => tell?.());
  handle.close = (callback) => (tell = callback);
}

const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Leaves what comes for `socket` unread in the kernel, so that another process can serve it, and returns what has to be
 * sent there; undefined, and nothing has changed, for one that is encrypted, closed, or has something left to send.
 */
export function stopReading(socket: net.Socket): RawHandle | undefined {
  const handle = (socket as unknown as { _handle: RawHandle | null })._handle;
  if (handle?.readStop === undefined || "encrypted" in socket) return undefined;
  if (socket.writableLength > 0 || (handle.writeQueueSize ?? 0) > 0) return undefined;
  handle.readStop();
  return handle;
}

/** The same process goes on serving it. */
export function readAgain(socket: net.Socket): void {
  (socket as unknown as { _handle: RawHandle | null })._handle?.readStart?.();
}

/** A connection that another process has accepted comes to `server` as if it had accepted it itself. */
export function serveConnection(server: net.Server, handle: RawHandle): void {
  const { allowHalfOpen, highWaterMark } = server as unknown as { allowHalfOpen: boolean; highWaterMark?: number };
  const options = { handle, allowHalfOpen, highWaterMark, readable: true, writable: true };
  server.emit("connection", new net.Socket(options));
}

/**
 * The sockets of a server on which no request has begun, not even one of which only the first bytes have come together
 * with the request before; undefined when this server does not tell. Node keeps such lists for its own timeouts. A socket
 * on which nothing has ever come may be missing.
 */
export function socketsAtRest(server: Server): Set<net.Socket> | undefined {
  const symbol = Object.getOwnPropertySymbols(server).find(({ description }) => description === CONNECTIONS);
  const lists = symbol && (server as unknown as Record<symbol, { idle?(): { readonly socket: net.Socket }[] }>)[symbol];
  return lists?.idle && new Set(lists.idle().map(({ socket }) => socket));
}

const CONNECTIONS = "http.server.connections";

/** The plain socket below an encrypted one that a server has accepted; undefined when this Node does not tell. */
export function transportOf(socket: TLSSocket): net.Socket | undefined {
  return (socket as unknown as { _parent?: net.Socket })._parent;
}

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

/** The head of a reply as it was sent, or is to be; undefined before there is one, and for replies of HTTP/2. */
export function sentHead(response: ServerResponse): string | undefined {
  const { _header: head } = response as unknown as { _header?: unknown };
  // That of HTTP/2 only says whether it was sent.
  return typeof head === "string" ? head : undefined;
}

/** The status of a reply whose head was sent, whatever the application has called it since. */
export function sentStatus(response: ServerResponse): number {
  const head = sentHead(response);
  return head === undefined ? response.statusCode : statusOfHead(head);
}

/** The status in a head: "HTTP/1.1 200 OK"; taken apart by hand on the path of each request. */
export function statusOfHead(head: string): number {
  return (head.charCodeAt(9) - ZERO) * 100 + (head.charCodeAt(10) - ZERO) * 10 + (head.charCodeAt(11) - ZERO);
}

/** The same; undefined where no head was sent. */
export function statusSent(response: ServerResponse): number | undefined {
  return response.headersSent ? sentStatus(response) : undefined;
}

const ZERO = 48;

/**
 * From here on the module at `file` is the main one: `require.main === module` holds in it, as when Node runs it, also
 * when it is imported.
 */
export function makeMain(file: string): void {
  const modules = createRequire(file).cache;
  Object.defineProperty(process, "mainModule", { configurable: true, get: () => modules[file] });
}

/** Sends a message with a raw handle; the receiver gets a copy, ours stays open. `sent` tells whether it went. */
export function sendHandle(
  child: ChildProcess,
  message: object,
  handle: RawHandle,
  sent: (error: Error | null) => void,
): void {
  child.send(message, handle as unknown as net.Server, { keepOpen: true }, sent);
}

function createHandle(address: string | null, port: number | null, type: number | null, fd?: number): RawHandle {
  const result = internals._createServerHandle?.(address, port, type, fd);
  if (result === undefined) throw new Error("net._createServerHandle is missing");
  if (typeof result === "number") throw systemErrorOf(result, fd === undefined ? "bind" : "open");
  return result;
}

function systemErrorOf(status: number, syscall: string): NodeJS.ErrnoException {
  return systemError(getSystemErrorName(status), syscall);
}

function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
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

/** From here on what comes is a stream's again. */
export function readAsStream(socket: net.Socket, buffer: Uint8Array): void {
  if (readSymbols === undefined) return;
  const slots = socket as unknown as Record<symbol, unknown>;
  slots[readSymbols.callback] = function (this: net.Socket, bytes: number) {
    return this.push(Buffer.from(buffer.subarray(0, bytes)));
  };
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
