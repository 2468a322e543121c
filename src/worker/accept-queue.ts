/**
 * Emptying the kernel's accept queue at the stop of the whole server: nobody takes it over, and closing the socket
 * would reset every connection that waits in it.
 */

import fs from "node:fs";
import type net from "node:net";
import { descriptorOf, shrinkAcceptQueue, stopAccepting } from "../node-handles.ts";

const LONGEST_MS = 1000;
/** A unix socket's queue cannot be seen: it is given this long. */
const UNIX_MS = 200;
const LOOK_EVERY_MS = 10;

/** Goes on accepting until each queue is empty, or a second has passed, then stops accepting. */
export async function emptyAcceptQueues(servers: readonly net.Server[]): Promise<void> {
  await Promise.all(servers.map(emptyAndClose));
}

async function emptyAndClose(server: net.Server): Promise<void> {
  // Whoever comes from here on is turned away by the kernel instead of waiting for a server that is leaving.
  shrinkAcceptQueue(server, 1);
  const startedAt = performance.now();
  const inode = socketInode(server);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const waitedMs = performance.now() - startedAt;
    const queued = inode === undefined ? undefined : queueLength(inode);
    if (queued === 0 || waitedMs >= (queued === undefined ? UNIX_MS : LONGEST_MS)) break;
  }
  stopAccepting(server);
}

function socketInode(server: net.Server): string | undefined {
  const fd = descriptorOf(server);
  try {
    return fd === undefined ? undefined : /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined;
  }
}

/** How many connections wait in the queue of the listening socket with this inode; undefined where `/proc` does not tell. */
function queueLength(inode: string): number | undefined {
  for (const table of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    try {
      for (const line of fs.readFileSync(table, "utf8").split("\n")) {
        const fields = line.trim().split(/\s+/);
        if (fields[9] === inode) return Number.parseInt(fields[4]?.split(":")[1] ?? "0", 16);
      }
    } catch {
      // The table of an address family that this machine does not have.
    }
  }
  return undefined;
}
