/**
 * What Node does not document of raw handles: sockets that cross from one process to another. Every call of an
 * undocumented function of Node stands here or in a sibling (`node-*.ts`), and each has a test per supported version.
 *
 * The master binds a socket without listening on it and keeps the handle; each worker listens on its own copy. Then
 * the kernel's queue outlives any worker, a hung worker accepts nothing, and no process hands connections around.
 */

import type { ChildProcess } from "node:child_process";
import net from "node:net";
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
