/** Who is at the other end of a connection, found out while it is there: when it has closed nobody knows any more. */

import type { Socket } from "node:net";
import { plainAddress } from "../../gateway/index.ts";

const ADDRESS: unique symbol = Symbol("tsgate.address") as never;

interface Addressed {
  [ADDRESS]?: string;
}

/** The textual address, looked up once a connection; undefined on a unix socket. */
export function peerAddress(socket: Socket): string | undefined {
  const marked = socket as Addressed;
  return (marked[ADDRESS] ??= plainAddress(socket.remoteAddress ?? "")) || undefined;
}
