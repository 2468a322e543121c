/** How a connection of `node:http` ends when its client, or its application, has kept it waiting for too long. */

import type { Socket } from "node:net";
import { lingerAtClose } from "../gateway/node-lingering-close.ts";
import { resetSocket } from "../reset-socket.ts";
import { currentReply } from "./client-look.ts";
import type { ClientTimeout } from "./client-timeouts.ts";
import { closeUnlessRead } from "./close-unless-read.ts";
import type { HttpConnection } from "./http-connection.ts";
import { closeLingering, closeWith } from "./refusals.ts";

/** By timeout; false when it does not end, because something has come at the last moment. */
export const CUTS: Readonly<Record<ClientTimeout, (connection: HttpConnection) => boolean>> = {
  headers(connection) {
    const { socket, speaks, bytesAtRest } = connection;
    if (speaks !== "http") return destroy(socket);
    if (socket.bytesRead > bytesAtRest) return answer(connection, 408, closeLingering);
    // Of one that has said nothing nobody expects a reply; browsers connect ahead of need.
    closeUnlessRead(connection);
    return socket.destroyed;
  },
  body(connection) {
    const { socket } = connection;
    const reply = currentReply(connection);
    if (reply === undefined || reply.headersSent) return destroy(socket);
    // A byte that comes just now would reset the connection, and take the answer away.
    lingerAtClose(reply.req);
    return answer(connection, 408);
  },
  response(connection) {
    const request = currentReply(connection)?.req;
    // A body on its way that the application has not read would reset the connection, and take the answer away.
    if (request?.complete === false) lingerAtClose(request);
    return answer(connection, 504);
  },
  send({ socket, transport }) {
    resetSocket(transport);
    return destroy(socket);
  },
};

/** Says why, where the client can still read it. */
function answer(connection: HttpConnection, status: 408 | 504, close = closeWith): true {
  const { observer, socket } = connection;
  if (!socket.writable || socket.writableLength > 0) return destroy(socket);
  observer?.refusing(status, socket, currentReply(connection));
  close(status, socket);
  return true;
}

function destroy(socket: Socket): true {
  socket.destroy();
  return true;
}
