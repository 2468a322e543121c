/**
 * What can be seen of a connection of `node:http` from outside at a moment, in the words of `client-timeouts.ts`: by what Node counts
 * for itself anyway, so that a request costs nothing for it. Judges nothing.
 */

import type { ServerResponse } from "node:http";
import { isContinueSent } from "../node-http.ts";
import { writtenBytes } from "../node-sockets.ts";
import type { Look } from "./client-timeouts.ts";
import type { HttpConnection } from "./http-connection.ts";
import { oldestReply } from "./requests-in-flight.ts";

/** Whether it waits for nothing, as most do that are kept. */
export function isAtRest(connection: HttpConnection): boolean {
  const { socket, speaks, inFlight, isUsed, isMoved, isRestDue, bytesAtRest } = connection;
  const isKept = isUsed || isMoved;
  return speaks === "http" && inFlight === 0 && isKept && !isRestDue && socket.bytesRead <= bytesAtRest;
}

/** Writes into `look` what `connection` waits for. One object does for all: thousands are looked at. */
export function lookAt(connection: HttpConnection, look: Look): void {
  const { socket, transport, speaks } = connection;
  look.bytesRead = socket.bytesRead;
  lookAtSending(connection, look);
  look.of = undefined;
  look.waitsFor = "nothing";
  if (speaks === "http") lookAtRequest(connection, look);
  // The proxy's header, or the handshake, and the first head have one time between them.
  else if (speaks === "proxy" || speaks === "tls") look.waitsFor = transport.destroyed ? "nothing" : "head";
  if (look.waitsFor === "head") look.of = connection.bytesAtRest;
}

/** The reply whose turn it is, in flight. */
export function currentReply(connection: HttpConnection): ServerResponse | undefined {
  return connection.inFlight === 0 ? undefined : oldestReply(connection);
}

function lookAtRequest(connection: HttpConnection, look: Look): void {
  const { newest, inFlight } = connection;
  const reply = currentReply(connection);
  // While another request stands in front of it, nobody waits for what comes behind.
  const isItsTurn = newest !== undefined && (reply === undefined || reply === newest);
  if (isItsTurn && isBodyDue(connection, newest)) {
    look.waitsFor = "body";
    look.of = newest;
  } else if (reply !== undefined) {
    look.waitsFor = reply.headersSent ? "nothing" : "reply";
    look.of = reply;
  } else if (inFlight === 0 && isHeadDue(connection, look.bytesRead)) {
    look.waitsFor = "head";
  }
}

/** It is the client that has to go on: it was told to, and what it has sent has been taken. */
function isBodyDue({ socket, heldBack }: HttpConnection, newest: ServerResponse): boolean {
  const { req: request } = newest;
  if (request.complete || request.destroyed) return false;
  if (heldBack === newest && !isContinueSent(newest)) return false;
  return request.readableLength < request.readableHighWaterMark && !socket.isPaused();
}

/** Nothing has ever come, or more than the requests that have been answered. */
function isHeadDue(connection: HttpConnection, bytesRead: number): boolean {
  if (!connection.isUsed) return !connection.isMoved || bytesRead > 0;
  if (connection.isRestDue && connection.newest?.req.complete !== false) {
    connection.bytesAtRest = bytesRead;
    connection.isRestDue = false;
  }
  return !connection.isRestDue && bytesRead > connection.bytesAtRest;
}

function lookAtSending({ socket, transport, speaks }: HttpConnection, look: Look): void {
  look.hasUnsent = false;
  // What an HTTP/2 session writes goes past its socket's own buffer.
  if (speaks !== "http2" && socket.writableLength === 0) return;
  const { taken, waiting } = writtenBytes(transport);
  look.hasUnsent = speaks !== "http2" || waiting > 0;
  look.bytesTaken = taken;
}
