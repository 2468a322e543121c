/** The end of a connection whose client shall not take what it has for the whole. */

import type { Socket } from "node:net";

/** Closes it by a reset, which gives back what the kernel still holds for it; without one where the system has none. */
export function resetSocket(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Not TCP: TLS shows by itself that it was cut off, a unix socket has no way to.
    socket.destroy();
  }
}
