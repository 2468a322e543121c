/**
 * What a client is told in the application's place: 503 when too much is in progress already, 408 and 504 when its time
 * is over. Knows how each is sent, not when.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { lingerAtClose } from "../gateway/node-lingering-close.ts";

const RETRY_AFTER_S = 1;
const BUSY = "Service Unavailable\n";
const REASONS = { 408: "Request Timeout", 504: "Gateway Timeout" } as const;

/** Answers 503. The connection stays, which is the cheapest for both, unless a body is on its way that nobody will read. */
export function refuse(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor === 1 && hasBody(request)) {
    response.shouldKeepAlive = false;
    lingerAtClose(request);
  }
  response.writeHead(503, {
    "Retry-After": RETRY_AFTER_S,
    "Content-Type": "text/plain",
    "Content-Length": BUSY.length,
  });
  response.end(BUSY);
}

/**
 * Answers past Node's response, which may belong to an application that answers later, and closes: to the application
 * it looks as if the client had gone. Only where no part of a reply has been sent.
 */
export function closeWith(status: keyof typeof REASONS, socket: Socket): void {
  const date = new Date().toUTCString();
  socket.write(
    `HTTP/1.1 ${status} ${REASONS[status]}\r\nDate: ${date}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    "latin1",
  );
  socket.destroySoon();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
