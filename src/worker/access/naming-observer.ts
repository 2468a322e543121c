/**
 * Names each request before anybody else hears of it: by the id that came with it, or by a new one. The application
 * finds it in the request's headers (`HTTP_X_REQUEST_ID` in an environ), the client in the reply's; a reply header of
 * the application's own wins.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { newRequestId, REQUEST_ID_HEADER, REQUEST_ID_NAME, saneRequestId } from "../../request-id.ts";
import type { RequestObserver } from "../request-observer.ts";

export class NamingObserver implements RequestObserver {
  readonly #next: RequestObserver | undefined;

  /** @param next is told what this one is told */
  constructor(next: RequestObserver | undefined) {
    this.#next = next;
  }

  begun(request: IncomingMessage, response: ServerResponse, at: number): void {
    const id = nameOf(request);
    if (!response.headersSent) response.setHeader(REQUEST_ID_NAME, id);
    this.#next?.begun(request, response, at);
  }

  ended(response: ServerResponse, at: number): void {
    this.#next?.ended(response, at);
  }

  /** The reply to an upgrade is the application's to write. */
  upgraded(request: IncomingMessage, socket: Duplex, at: number): void {
    nameOf(request);
    this.#next?.upgraded(request, socket, at);
  }

  failed(error: unknown, socket: Socket, response: ServerResponse | undefined): void {
    this.#next?.failed(error, socket, response);
  }

  refusing(status: number, socket: Socket, response: ServerResponse | undefined): void {
    this.#next?.refusing(status, socket, response);
  }
}

/** The request's id, which is in its headers from here on. */
function nameOf(request: IncomingMessage): string {
  const { headers } = request;
  const given = headers[REQUEST_ID_HEADER];
  const sane = saneRequestId(given);
  if (sane !== undefined) return sane;
  const id = newRequestId();
  headers[REQUEST_ID_HEADER] = id;
  if (given === undefined) request.rawHeaders.push(REQUEST_ID_NAME, id);
  else replace(request.rawHeaders, id);
  return id;
}

/** The last of this name gets the id, others are taken out. */
function replace(rawHeaders: string[], id: string): void {
  let isReplaced = false;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() !== REQUEST_ID_HEADER) continue;
    if (isReplaced) rawHeaders.splice(index, 2);
    else rawHeaders[index + 1] = id;
    isReplaced = true;
  }
}
