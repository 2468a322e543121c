/**
 * The server's sockets: bound here, never accepted on here. The master keeps its copy of each for as long as it lives,
 * so that the kernel's queue outlives every worker, and closes it last.
 */

import dns from "node:dns/promises";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { bindProblem } from "../bind-problem.ts";
import { formatAddress } from "../config/bind-address.ts";
import type { BindAddress } from "../config/types.ts";
import { EXIT, hasCode, TsgateError } from "../errors.ts";
import type { TcpAddress } from "../boot-order.ts";
import { adoptDescriptor, bindTcp, bindUnix, isTcpHandle, type RawHandle, tcpAddress } from "../node-handles.ts";

/** One bound socket. */
export interface Listener {
  /** As logged: `127.0.0.1:8000`, `[::]:8000`, `unix:/run/app.sock`. */
  readonly address: string;
  readonly isUnix: boolean;
  /** Its local address, when it is TCP. */
  readonly tcp: TcpAddress | undefined;
  readonly handle: RawHandle;
  /** The path to unlink at the end, with the inode that it had when it was ours. */
  readonly file: { readonly path: string; readonly inode: number } | undefined;
}

/**
 * Binds all addresses, or none.
 * @throws TsgateError exit 5 that names the address that could not be bound, and why
 */
export async function openListeners(addresses: readonly BindAddress[]): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const address of addresses) listeners.push(...(await open(address)));
  } catch (error) {
    closeListeners(listeners);
    throw error;
  }
  return listeners;
}

/** Closes the master's copies and removes the socket files that are still ours. */
export function closeListeners(listeners: readonly Listener[]): void {
  for (const { file, handle } of listeners) {
    const isReplaced = file !== undefined && inodeOf(file.path) !== file.inode;
    // libuv unlinks the path when the handle that bound it closes: what another server has put there must survive.
    const putBack = isReplaced ? setAside(file.path) : undefined;
    handle.close();
    putBack?.();
  }
}

/** The error for an address that could not be listened on. */
export function bindError(address: string, error: unknown): TsgateError {
  return new TsgateError("CANNOT_BIND", `cannot listen on ${address}: ${bindProblem(error)}`, {
    exitCode: EXIT.cannotBind,
    cause: error,
  });
}

async function open(address: BindAddress): Promise<Listener[]> {
  const text = formatAddress(address);
  try {
    switch (address.kind) {
      case "tcp":
        return await openTcp(address.host, address.port);
      case "unix":
        return [await openPath(address.path, 0o666 & ~process.umask())];
      case "abstract":
        return [openAbstract(address.name)];
      case "fd":
        return [openDescriptor(address.fd)];
    }
  } catch (error) {
    throw error instanceof TsgateError ? error : bindError(text, error);
  }
}

async function openTcp(host: string | null, port: number): Promise<Listener[]> {
  if (host === null) return [tcpListener(bindAllAddresses(port))];
  const found = net.isIP(host) ? [{ address: host }] : await dns.lookup(host, { all: true });
  const listeners: Listener[] = [];
  let chosenPort = port;
  try {
    for (const { address } of found) {
      const handle = bindTcp(address, chosenPort);
      chosenPort = tcpAddress(handle).port;
      listeners.push(tcpListener(handle));
    }
  } catch (error) {
    // A name such as localhost may stand for an address family that this machine does not have.
    if (listeners.length === 0 || !hasCode(error, "EADDRNOTAVAIL")) {
      closeListeners(listeners);
      throw error;
    }
  }
  return listeners;
}

/** One dual-stack socket, or an IPv4 one where the machine has no IPv6. */
function bindAllAddresses(port: number): RawHandle {
  try {
    return bindTcp("::", port);
  } catch (error) {
    if (!hasCode(error, "EAFNOSUPPORT") && !hasCode(error, "EADDRNOTAVAIL") && !hasCode(error, "EINVAL")) throw error;
    return bindTcp("0.0.0.0", port);
  }
}

function tcpListener(handle: RawHandle): Listener {
  const { address, port } = tcpAddress(handle);
  return {
    address: formatAddress({ kind: "tcp", host: address, port }),
    isUnix: false,
    tcp: { address, port },
    handle,
    file: undefined,
  };
}

/**
 * Makes room for a socket at `target`: what a dead server left there is removed.
 * @throws Error when the directory is missing, or something else or a living server is there
 */
async function claimPath(target: string): Promise<void> {
  // libuv says EACCES for a directory that is not there.
  if (!fs.existsSync(path.dirname(target))) throw new Error(`the directory ${path.dirname(target)} does not exist`);
  if (fs.existsSync(target)) await removeStale(target);
}

/** @param mode of the socket, at no time more than that */
export async function openPath(given: string, mode: number): Promise<Listener> {
  const target = path.resolve(given);
  await claimPath(target);
  const umask = process.umask(~mode & 0o777);
  const handle = bindWith(umask, () => bindUnix(target));
  fs.chmodSync(target, mode);
  return {
    address: `unix:${target}`,
    isUnix: true,
    tcp: undefined,
    handle,
    file: { path: target, inode: inodeOf(target) ?? 0 },
  };
}

function bindWith(umask: number, bind: () => RawHandle): RawHandle {
  try {
    return bind();
  } finally {
    process.umask(umask);
  }
}

/** Removes what a dead server left; refuses what is not a socket and what answers. */
async function removeStale(target: string): Promise<void> {
  if (!fs.statSync(target).isSocket()) throw new Error("the path exists and is not a socket");
  if (isBound(target) || (await isAnswering(target))) throw new Error("another server is listening on this path");
  fs.unlinkSync(target);
}

/** A socket that is bound and does not listen yet refuses like a dead one; the kernel's table tells them apart. */
function isBound(target: string): boolean {
  try {
    const rows = fs.readFileSync("/proc/net/unix", "utf8").split("\n");
    return rows.map((row) => row.trim().split(/\s+/)).some((row) => row[5] === UNCONNECTED && row[7] === target);
  } catch {
    return false;
  }
}

const UNCONNECTED = "01";

async function isAnswering(target: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: target });
    socket.once("connect", () => resolve(true));
    // Refused: nobody listens. Anything else, such as a full queue, is a sign of life.
    socket.once("error", (error) => resolve(!hasCode(error, "ECONNREFUSED") && !hasCode(error, "ENOENT")));
    socket.once("connect", () => socket.destroy());
  });
}

function openAbstract(name: string): Listener {
  const major = Number(process.versions.node.split(".")[0]);
  // Node 20 pads the name with NULs, and then no client finds it.
  if (major < 22) throw new Error(`abstract names need Node 22 or later, this is ${process.version}`);
  return { address: `unix:@${name}`, isUnix: true, tcp: undefined, handle: bindUnix(`\0${name}`), file: undefined };
}

function openDescriptor(fd: number): Listener {
  // libuv calls a descriptor that is closed just what it calls one that is no socket: EINVAL.
  fs.fstatSync(fd);
  const handle = adoptDescriptor(fd);
  if (isTcpHandle(handle)) return tcpListener(handle);
  return { address: `fd://${fd}`, isUnix: true, tcp: undefined, handle, file: undefined };
}

function inodeOf(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.ino;
}

/** Moves a file out of the way for a moment; returns the function that puts it back. */
function setAside(file: string): (() => void) | undefined {
  if (inodeOf(file) === undefined) return undefined;
  const aside = `${file}.${process.pid}`;
  try {
    fs.renameSync(file, aside);
    return () => fs.renameSync(aside, file);
  } catch {
    // Where the file cannot be moved it cannot be unlinked either.
    return undefined;
  }
}
