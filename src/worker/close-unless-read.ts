/** Closes what seems to be idle, but for what came just now. */

import { readOrClose } from "../node-sockets.ts";
import type { Connection } from "./connection.ts";

/** Closes it unless a request has come by now. */
export function closeIfIdle(connection: Connection): void {
  if (connection.isIdle) closeUnlessRead(connection);
}

/**
 * Closes the connection, unless a request has come that the event loop has not seen: then that is served. It is closed
 * both ways at once: what comes after our FIN is refused by the kernel, not read and left without an answer.
 */
export function closeUnlessRead(connection: Connection): void {
  const unread = readOrClose(connection.socket);
  if (unread !== undefined) connection.takeUnread(unread);
}
