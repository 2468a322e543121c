/**
 * A client that sends request after request without waiting for a reply. Node begins them all, whatever memory that
 * takes, and answers them in their order: from a certain number on the rest waits in the kernel, and so with the client.
 */

import type { Socket } from "node:net";

interface Line {
  readonly socket: Socket;
  readonly inFlight: number;
}

/** So many requests of one connection may be in progress at once; what comes in one piece with them is begun too. */
const MOST_IN_FLIGHT = 100;

/** Another request of the connection is in flight. */
export function holdIfLong({ inFlight, socket }: Line): void {
  if (inFlight === MOST_IN_FLIGHT) holdReading(socket);
}

/** One less is. */
export function releaseIfShort({ inFlight, socket }: Line): void {
  if (inFlight === MOST_IN_FLIGHT - 1) releaseReading(socket);
}

/** Stops reading. Node would start again whenever a request's body is read. */
function holdReading(socket: Socket): void {
  socket.pause();
  socket.resume = () => socket;
}

function releaseReading(socket: Socket): void {
  // From here on it is Node's own again.
  Reflect.deleteProperty(socket, "resume");
  socket.resume();
}
