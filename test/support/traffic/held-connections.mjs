/**
 * Which clients' connections a process holds, from the system's own tables: synchronous, so that a process can ask it of
 * itself in its last moment, and exact for one that stands still. Linux only.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * @typedef {object} Held
 * @property {number[]} ports the clients' ports of its TCP connections
 * @property {number} unix how many connections it holds on unix sockets with a path; nothing names their clients
 */

/**
 * @typedef {object} SystemTables one look at all connections of this machine
 * @property {ReadonlyMap<string, { port: number, isHalfClosed: boolean }>} tcp by the inode of the end
 * @property {ReadonlySet<string>} unix inodes of accepted connections
 */

/**
 * @param {number | "self"} pid
 * @param {SystemTables} [tables] of a moment since which the process has stood still
 * @returns {Held} nothing when there is no such process
 */
export function heldConnections(pid, tables = systemTables()) {
  /** @type {Held} */
  const held = { ports: [], unix: 0 };
  for (const link of descriptorsOf(pid)) {
    const inode = inodeOf(link);
    const connection = tables.tcp.get(inode);
    if (connection !== undefined) held.ports.push(connection.port);
    else if (tables.unix.has(inode)) held.unix += 1;
  }
  return held;
}

/** The inode of a socket; empty for what is none. @param {string} link */
export function inodeOf(link) {
  return /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? "";
}

/** @returns {SystemTables} */
export function systemTables() {
  return { tcp: tcpConnections(), unix: unixConnections() };
}

/**
 * What each descriptor of a process is, as the links of /proc name it.
 * @param {number | "self"} pid
 * @returns {string[]}
 */
export function descriptorsOf(pid) {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((name) => linkAt(`${folder}/${name}`));
  } catch {
    return [];
  }
}

/** @param {string} file */
function linkAt(file) {
  try {
    return [readlinkSync(file)];
  } catch {
    // Closed since, as is the one that read the folder.
    return [];
  }
}

/**
 * The peer's port and the inode of what is established (01), or closed by the peer alone (08). There may be tens of
 * thousands of rows of connections that are over.
 */
const TCP_ROW = /:([0-9A-F]{4}) (01|08) \S+ \S+ \S+ +\d+ +\d+ (\d+) /g;

function tcpConnections() {
  /** @type {Map<string, { port: number, isHalfClosed: boolean }>} */
  const connections = new Map();
  for (const table of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    for (const [, port = "", state, inode = ""] of textOf(table).matchAll(TCP_ROW))
      connections.set(inode, { port: Number.parseInt(port, 16), isHalfClosed: state === "08" });
  }
  return connections;
}

/** Accepted connections (03) have the listening socket's path, which their clients' ends have not. */
const UNIX_ROW = /^\S+ \S+ \S+ \S+ \S+ 03 +(\d+) \S/gm;

function unixConnections() {
  return new Set([...textOf("/proc/self/net/unix").matchAll(UNIX_ROW)].map(([, inode = ""]) => inode));
}

/** @param {string} table */
function textOf(table) {
  try {
    return readFileSync(table, "latin1");
  } catch {
    // The table of an address family that this machine does not have.
    return "";
  }
}
