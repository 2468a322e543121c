/**
 * What the kernel still holds of what was written to TCP sockets: sent and not acknowledged, or not sent. Node does not
 * tell; the tables of `/proc` do. They are read past the event loop, because they hold every connection of the machine.
 */

import fs from "node:fs";
import type net from "node:net";
import { descriptorOf } from "../node-handles.ts";

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/** The field of a socket that holds nothing, which most do. */
const EMPTY = " 00000000:";

/** Bytes by the inode of the socket. A socket that is not TCP, or holds nothing, is not among them. */
export async function sendQueues(inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const queues = new Map<string, number>();
  for (const table of TABLES) {
    // Not there where the machine has no such addresses, or where `/proc` is hidden.
    await readLines(table, (line) => addQueue(queues, inodes, line)).catch(() => {});
  }
  return queues;
}

/** What names a socket in the tables of `/proc`; undefined when it is closed, or where `/proc` does not tell. */
export function socketInode(socket: net.Server | net.Socket): string | undefined {
  const fd = descriptorOf(socket);
  try {
    return fd === undefined ? undefined : /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined;
  }
}

/** Adds a line's socket if it is asked for: `sl local remote state tx:rx timer:when retransmits uid timeout inode …`. */
function addQueue(queues: Map<string, number>, inodes: ReadonlySet<string>, line: string): void {
  if (line.includes(EMPTY)) return;
  const fields = line.trim().split(/\s+/);
  const inode = fields[9] ?? "";
  if (inodes.has(inode)) queues.set(inode, Number.parseInt(fields[4] ?? "", 16));
}

async function readLines(file: string, take: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const chunk of fs.createReadStream(file, "latin1")) {
    const lines = (rest + (chunk as string)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
