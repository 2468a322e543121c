/** Where a socket of `node:http` keeps its connection. */

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { HttpConnection } from "./http-connection.ts";

/** Looked up twice a request. */
const CONNECTION: unique symbol = Symbol("tsgate.connection");

interface Tracked {
  [CONNECTION]?: HttpConnection;
}

/** The connection of a socket; undefined when it is nobody's. */
export function connectionOf(socket: Duplex): HttpConnection | undefined {
  return (socket as Tracked)[CONNECTION];
}

export function keepConnection(socket: Socket, connection: HttpConnection): void {
  (socket as Tracked)[CONNECTION] = connection;
}
