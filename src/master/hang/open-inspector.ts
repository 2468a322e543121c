/**
 * Makes the Node of a worker open its inspector, and finds out where. The port is a free one of the loopback that the
 * kernel chose; it is known by its socket, which is new and which that worker holds.
 */

import { heldSockets, type ListeningSocket, listeningSockets } from "./proc-sockets.ts";
import { NoAnswer, patiently } from "./patience.ts";
import { catchesSignal, statusOf } from "./process-facts.ts";
import { fetchJson, type InspectorAddress } from "./websocket.ts";

const SIGUSR1 = 10;
/** What an inspector that is open needs to say so. */
const PROBE_MS = 100;

/**
 * Where the inspector of `pid` listens. `signal` sends it SIGUSR1.
 * @throws NoAnswer when it does not open
 */
export async function openInspector(pid: number, signal: () => void, aborted: AbortSignal): Promise<InspectorAddress> {
  const before = await listeningSockets(pid);
  const known = new Set(before.map(({ inode }) => inode));
  const status = await statusOf(pid);
  if (status === "") throw new Error("/proc tells nothing of its process");
  if (!catchesSignal(status, SIGUSR1)) throw new Error("it has no handler for SIGUSR1, which would end it");
  signal();
  try {
    return await patiently(pid, () => newSocket(pid, known), aborted);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return openedBefore(pid, before, aborted);
  }
}

async function newSocket(pid: number, known: ReadonlySet<string>): Promise<InspectorAddress | undefined> {
  const fresh = (await listeningSockets(pid)).filter(({ inode }) => !known.has(inode));
  const [found] = fresh.length === 0 ? [] : await heldBy(pid, fresh);
  return found;
}

/**
 * An earlier signal, which nobody of tsgate sent, may have opened it a moment before the loop was blocked.
 * @throws NoAnswer when it did not
 */
async function openedBefore(
  pid: number,
  sockets: readonly ListeningSocket[],
  aborted: AbortSignal,
): Promise<InspectorAddress> {
  const shared = await heldBy(process.pid, sockets);
  const own = (await heldBy(pid, sockets)).filter((socket) => !shared.includes(socket));
  const signal = AbortSignal.any([aborted, AbortSignal.timeout(PROBE_MS)]);
  const probes = own.map(async (socket) => {
    await fetchJson(socket, "/json/list", signal);
    return socket;
  });
  return Promise.any(probes).catch(() => {
    throw new NoAnswer();
  });
}

/** Those of `sockets` on the loopback that process `pid` holds. */
async function heldBy(pid: number, sockets: readonly ListeningSocket[]): Promise<ListeningSocket[]> {
  const near = sockets.filter(({ host }) => host === "127.0.0.1" || host === "0:0:0:0:0:0:0:1");
  const held = await heldSockets(pid, new Set(near.map(({ inode }) => inode)));
  return near.filter(({ inode }) => held.has(inode));
}
