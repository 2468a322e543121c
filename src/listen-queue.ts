/** How many connections wait in the kernel to be accepted on a listening TCP socket. Linux only. */

import fs from "node:fs";

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/** The state of a listening socket in these tables. */
const LISTEN = "0A";
const CHUNK_BYTES = 4096;

/** The inode of the socket behind descriptor `fd` of this process, by which the tables know it. */
export function socketInode(fd: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined;
  }
}

/** The queue of each listening socket among `inodes`; one that the system does not tell of is left out. */
export function queueLengths(inodes: readonly string[]): Map<string, number> {
  const lengths = new Map<string, number>();
  const wanted = new Set(inodes);
  for (const table of TABLES) {
    if (lengths.size === wanted.size) break;
    for (const line of linesOf(table)) {
      const fields = line.trim().split(/\s+/);
      const [, , , state, queues, , , , , inode = ""] = fields;
      // Behind the listening sockets come all the connections of the machine.
      if (state !== LISTEN && state !== "st") break;
      if (wanted.has(inode)) lengths.set(inode, Number.parseInt(queues?.split(":")[1] ?? "0", 16));
      if (lengths.size === wanted.size) break;
    }
  }
  return lengths;
}

/**
 * The lines of a file, none of it read before it is asked for: the listening sockets come first in the tables, and all
 * the connections of the machine, which are behind them, can take longer to read than new ones take to come.
 */
function* linesOf(file: string): Generator<string, void> {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, "r");
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = "";
    for (let bytes = fs.readSync(fd, buffer); bytes > 0; bytes = fs.readSync(fd, buffer)) {
      const lines = (rest + buffer.toString("latin1", 0, bytes)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // The table of an address family that this machine does not have.
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
