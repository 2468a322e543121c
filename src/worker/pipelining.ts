/**
 * A client that sends request after request without waiting for a reply. Node begins them all, whatever memory that
 * takes, and answers them in their order: here is that order, and from a certain length of the line on the rest waits in
 * the kernel, and so with the client.
 */

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

interface Line {
  readonly socket: Socket;
  readonly newest: ServerResponse | undefined;
  /** All replies in flight, in their order, when there are several. */
  line: ServerResponse[] | undefined;
}

/** So many requests of one connection may be in progress at once; what comes in one piece with them is begun too. */
const MAX_IN_LINE = 100;

/** A request has come before the newest was answered. */
export function stepInLine(connection: Line, response: ServerResponse): void {
  connection.line ??= connection.newest === undefined ? [] : [connection.newest];
  if (connection.line.push(response) === MAX_IN_LINE) holdReading(connection.socket);
}

/** The first in the line has been answered. */
export function stepForward(connection: Line): void {
  const { line = [], socket } = connection;
  line.shift();
  if (line.length === MAX_IN_LINE - 1) releaseReading(socket);
  if (line.length <= 1) connection.line = undefined;
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
