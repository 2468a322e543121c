/**
 * Makes the Node of a worker open its inspector, and finds out where. The port is a free one of the loopback that the
 * kernel chose; it is known by its socket, which is new and which that worker holds.
 */

import { heldSockets, listeningSockets } from "./proc-sockets.ts";
import { patiently } from "./patience.ts";
import { catchesSignal, statusOf } from "./process-facts.ts";
import type { InspectorAddress } from "./websocket.ts";

const SIGUSR1 = 10;

/**
 * Where the inspector of `pid` listens. `signal` sends it SIGUSR1.
 * @throws NoAnswer when it does not open
 */
export async function openInspector(pid: number, signal: () => void, aborted: AbortSignal): Promise<InspectorAddress> {
  const before = new Set((await listeningSockets(pid)).map(({ inode }) => inode));
  const status = await statusOf(pid);
  if (status === "") throw new Error("its process has gone");
  if (!catchesSignal(status, SIGUSR1)) throw new Error("it has no handler for SIGUSR1, which would end it");
  signal();
  return patiently(pid, () => newSocket(pid, before), aborted);
}

async function newSocket(pid: number, before: ReadonlySet<string>): Promise<InspectorAddress | undefined> {
  const fresh = (await listeningSockets(pid)).filter(({ inode }) => !before.has(inode));
  if (fresh.length === 0) return undefined;
  const held = await heldSockets(pid, new Set(fresh.map(({ inode }) => inode)));
  const found = fresh.find(({ inode }) => held.has(inode));
  return found && { host: reachable(found.host), port: found.port };
}

/** What listens on all addresses is reached on the loopback. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "0:0:0:0:0:0:0:0" ? "::1" : host;
}
