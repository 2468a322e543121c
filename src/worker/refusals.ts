/**
 * What a client is told in the application's place: that its request is too large, that too much is in progress
 * already, that its time is over. Knows how each is sent, not when.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { lingerAtClose, lingerNow } from "../gateway/node-lingering-close.ts";
import { refusalStatus } from "./access/refused-entry.ts";
import { connectionOf } from "./connection.ts";

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

/**
 * Answers what Node's parser could not read, if no part of a reply has been sent, and closes when the client has had time
 * to read that. False: it is no request, or none that can be answered, and Node's to end.
 */
export function answerUnreadable(error: unknown, socket: Socket): boolean {
  const status = refusalStatus(error);
  const reply = connectionOf(socket)?.newest;
  const isBegun = reply !== undefined && reply.headersSent && !reply.writableFinished;
  if (status === undefined || isBegun || !socket.writable) return false;
  socket.write(rawReply(status), "latin1");
  lingerNow(socket);
  return true;
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
