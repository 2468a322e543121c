/** What is spoken below or in place of HTTP/1.1 on a server of `node:http`'s kind: TLS, whose handshake comes first, and HTTP/2. */

import type { Server } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import { transportOf } from "../node-sockets.ts";
import { connectionOf, keepConnection } from "./connection-slot.ts";
import type { Connections } from "./connections.ts";
import { HttpConnection } from "./http-connection.ts";
import { nameClient } from "./introductions.ts";

/** HTTP/2: between the first GOAWAY and the one that names the last stream, more than a round trip (RFC 9113 section 6.8). */
const GOAWAY_PAUSE_MS = 1000;
const NO_ERROR = 0;
const LAST_STREAM = 2 ** 31 - 1;

/** Notes of each connection of `server`, which is tracked, when TLS is through its handshake, and when HTTP/2 has it. */
export function followLayers(server: Server, connections: Connections, { isTls }: { readonly isTls: boolean }): void {
  const arriving = (): HttpConnection | undefined =>
    connections.arriving instanceof HttpConnection ? connections.arriving : undefined;
  if (isTls) {
    server.prependListener("connection", () => {
      const connection = arriving();
      if (connection !== undefined) connection.speaks = "tls";
    });
    server.prependListener("secureConnection", (socket: TLSSocket) => {
      const connection = secured(socket);
      if (connection !== undefined) connections.arriving = connection;
    });
  }
  server.prependListener("session", (session: ServerHttp2Session) => {
    arriving()?.takenOver("http2", () => sayGoodbye(session));
  });
}

/** The handshake is through: requests come with the encrypted socket. */
function secured(socket: TLSSocket): HttpConnection | undefined {
  const connection = connectionOf(transportOf(socket) ?? socket);
  if (connection === undefined) return undefined;
  keepConnection(socket, connection);
  if (connection.introduction !== undefined) nameClient(socket, connection.introduction);
  connection.socket = socket;
  connection.speaks = "http";
  connection.bytesAtRest = 0;
  return connection;
}

/** The session counts its streams, and knows how to leave when they are through (RFC 9113 section 6.8). */
function sayGoodbye(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  // First only "no new streams, please": what is on its way then is still served.
  session.goaway(NO_ERROR, LAST_STREAM);
  setTimeout(() => session.close(), GOAWAY_PAUSE_MS).unref();
}
