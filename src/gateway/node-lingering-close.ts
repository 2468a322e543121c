/**
 * The lingering close of RFC 9112 section 9.6. A socket that is closed while bytes lie unread in the kernel is reset,
 * and the reset takes away a reply that its client has not read yet, such as the 413 to an upload still on its way.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/**
 * If the connection is closed before the body of `request` has all come, lingers: our side ends, and what comes is
 * discarded until the client closes, or for `limitMs`. Whoever closes does it by `destroySoon()`, as Node does after
 * the last reply of a connection.
 */
export function lingerAtClose(request: IncomingMessage, limitMs: number = LONGEST_LINGER_MS): void {
  const { socket } = request;
  socket.destroySoon = () => {
    // From here on it is Node's own again.
    Reflect.deleteProperty(socket, "destroySoon");
    const isRestDue = !request.complete && !socket.destroyed && !socket.readableEnded;
    if (isRestDue) lingerNow(socket, limitMs);
    else socket.destroySoon();
  };
}

/** Ends our side at once, and discards what comes until the client closes, or for `limitMs`. */
export function lingerNow(socket: Socket, limitMs: number = LONGEST_LINGER_MS): void {
  const limit = setTimeout(() => socket.destroy(), limitMs).unref();
  socket.once("close", () => clearTimeout(limit));
  // Of an idle connection: a client that pauses still has until the limit.
  socket.setTimeout(0);
  socket.end();
  // Node's parser takes the bytes from below the stream until somebody listens for data, and may have stopped reading.
  // Only it can start again what it stopped, which happens in the next tick: so it is left alone until then.
  socket.resume();
  process.nextTick(discardAll, socket);
}

/** What comes is no request any more: it goes to nobody, Node's parser included. */
function discardAll(socket: Socket): void {
  for (const event of ["data", "end"]) socket.removeAllListeners(event);
  socket.on("data", () => {});
  socket.once("end", () => socket.destroySoon());
}

const LONGEST_LINGER_MS = 5000;
