/**
 * Emptying the kernel's accept queue at the stop of the whole server: nobody takes it over, and closing the socket
 * would reset every connection that waits in it.
 */

import type net from "node:net";
import { queueLengths, socketInode } from "../listen-queue.ts";
import { descriptorOf, shrinkAcceptQueue, stopAccepting } from "../node-handles.ts";

/** Newcomers are taken for this long if the queue is not empty before; then the kernel turns them away. */
const NEWCOMERS_MS = 500;
/** Under a flood one connection always waits: after this long that one is given up, if it was alone for a while. */
const FLOOD_MS = 1000;
/** A last one that is no flood is accepted much sooner, even on a machine that has taken so long for the others. */
const ALONE_MS = 250;
/** Where only those are known that have come: as long as several do at a time, the queue is taken for a long one, no flood. */
const UNKNOWN_FLOOD_MS = 4000;
/** With this backlog, one connection may wait. */
const SHORTEST_BACKLOG = 0;
const LOOK_EVERY_MS = 10;

/** Goes on accepting until each queue is empty, at most for `longestMs`, then stops accepting. */
export async function emptyAcceptQueues(servers: readonly net.Server[], longestMs: number): Promise<void> {
  await Promise.all(servers.map((server) => emptyAndClose(server, longestMs)));
}

async function emptyAndClose(server: net.Server, longestMs: number): Promise<void> {
  const startedAt = performance.now();
  const waiting = await watchQueue(server);
  let aloneSince = startedAt;
  // Nothing stands between a look that finds it empty and the close.
  for (let queued = waiting(); queued > 0; queued = waiting()) {
    const now = performance.now();
    const waitedMs = now - startedAt;
    if (queued > 1) aloneSince = now;
    if (waitedMs >= longestMs || (waitedMs >= FLOOD_MS && now - aloneSince >= ALONE_MS)) break;
    if (waitedMs >= NEWCOMERS_MS) shrinkAcceptQueue(server, SHORTEST_BACKLOG);
    await aLook();
  }
  stopAccepting(server);
}

/** Resolves with the function that tells how many connections wait; where the system does not, how many have just come. */
async function watchQueue(server: net.Server): Promise<() => number> {
  const fd = descriptorOf(server);
  const inode = fd === undefined ? undefined : socketInode(fd);
  if (inode !== undefined && queueLength(inode) !== undefined) return () => queueLength(inode) ?? 0;
  // Each turn of the loop accepts one, if there is one: a look without any found the queue empty.
  let accepted = 0;
  server.on("connection", () => accepted++);
  await aLook();
  const isFloodAt = performance.now() + UNKNOWN_FLOOD_MS;
  return () => {
    const some = performance.now() < isFloodAt ? accepted : Math.min(accepted, 1);
    accepted = 0;
    return some;
  };
}

/** A while, and then one turn of the loop in which connections are accepted. */
async function aLook(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  await new Promise((resolve) => setImmediate(resolve));
}

/** How many connections wait in the queue of the listening socket with this inode; undefined where `/proc` does not tell. */
function queueLength(inode: string): number | undefined {
  return queueLengths([inode]).get(inode);
}
