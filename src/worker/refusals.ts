/**
 * What a client is told in the application's place: that its request is too large, that too much is in progress
 * already, that its time is over. Knows how each is sent, not when.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { lingerAtClose, lingerNow } from "../gateway/node-lingering-close.ts";
import { refusalStatus } from "./access/refused-entry.ts";
import { connectionOf } from "./connection-slot.ts";
import type { HttpConnection } from "./http-connection.ts";
import { repliesInFlight } from "./requests-in-flight.ts";

const RETRY_AFTER_S = 1;
const REASONS = {
  400: "Bad Request",
  408: "Request Timeout",
  413: "Payload Too Large",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
  504: "Gateway Timeout",
} as const;

export type RefusalStatus = keyof typeof REASONS;

/**
 * Answers 503. The connection stays, which is the cheapest for both, unless a body is on its way that nobody will read.
 */
export function refuseForNow(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Retry-After", RETRY_AFTER_S);
  if (request.httpVersionMajor === 1 && hasBody(request)) closeBehind(request, response);
  refuse(503, response);
}

/** Answers that the request is too large, and closes the connection when the client has had time to read that. */
export function refuseForSize(status: 413 | 414 | 431, request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor === 1) closeBehind(request, response);
  refuse(status, response);
}

function refuse(status: RefusalStatus, response: ServerResponse): void {
  const text = `${REASONS[status]}\n`;
  response.writeHead(status, REASONS[status], { "Content-Type": "text/plain", "Content-Length": text.length });
  response.end(text);
}

function closeBehind(request: IncomingMessage, response: ServerResponse): void {
  const connection = connectionOf(request.socket);
  if (connection !== undefined) connection.isOver = true;
  response.shouldKeepAlive = false;
  lingerAtClose(request);
}

/**
 * Answers past Node's response, which may belong to an application that answers later, and closes: to the application
 * it looks as if the client had gone. Only where no part of a reply has been sent.
 */
export function closeWith(status: RefusalStatus, socket: Socket): void {
  socket.write(rawReply(status), "latin1");
  socket.destroySoon();
}

/** Closes a connection whose request has been answered before its body, of unknown length, has all come. */
export function closeUnlessWhole(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || socket.destroyed || socket.writableEnded) return;
  lingerAtClose(request);
  socket.destroySoon();
}

/**
 * Answers what Node's parser could not read behind requests whose replies are due, once they have been sent. Calls
 * `failed` then. False: none is, or what could not be read is a part of one.
 */
export function answerBehind(error: unknown, socket: Socket, failed: () => void): boolean {
  const status = refusalStatus(error);
  const connection = connectionOf(socket);
  if (status === undefined || connection === undefined) return false;
  if (!connection.isOver) {
    const { newest } = connection;
    if (newest?.req.complete !== true || isNextInLine(connection)) return false;
    connection.isOver = true;
    newest.on("close", () => {
      if (!socket.writable) return;
      failed();
      closeLingering(status, socket);
    });
  }
  socket.pause();
  return true;
}

/**
 * Answers what Node's parser could not read, and closes when the client has had time to read that; or closes at once
 * where the answer would be taken for a part of another. False: it is no request, and Node's to end.
 */
export function answerUnreadable(error: unknown, socket: Socket): boolean {
  const status = refusalStatus(error);
  if (status === undefined || !socket.writable) return false;
  const connection = connectionOf(socket);
  if (connection !== undefined && !isNextInLine(connection)) {
    socket.destroy();
    return true;
  }
  closeLingering(status, socket);
  return true;
}

/** Answers what never became a request; more of it may be on its way: the client has time to read the answer. */
export function closeLingering(status: RefusalStatus, socket: Socket): void {
  socket.write(rawReply(status), "latin1");
  lingerNow(socket);
}

/** Whether nothing is due before the answer to what was read last: a body that broke off, or what is behind all requests. */
function isNextInLine(connection: HttpConnection): boolean {
  const [current, ...others] = repliesInFlight(connection);
  // What it consists of stands in the socket already.
  const due = current === undefined || current.writableEnded ? others : [current, ...others];
  const [next] = due;
  if (next === undefined) return true;
  return due.length === 1 && !next.headersSent && !next.req.complete;
}

/** Answers an upgrade, of which Node makes no response. */
export function refuseUpgrade(status: 413 | 414 | 431, socket: Duplex): void {
  socket.on("error", () => {});
  socket.end(rawReply(status));
}

function rawReply(status: RefusalStatus): string {
  const date = new Date().toUTCString();
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\nDate: ${date}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
