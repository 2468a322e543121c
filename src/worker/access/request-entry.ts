/**
 * A request of `node:http` or `node:http2` as a line of the access log, from its head to the end of its reply. What an
 * application may change on the way (target, method) is taken at the beginning, the rest when the line is written.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { sentHead, sentStatus } from "../../node-http.ts";
import type { AccessEntry } from "../../observe/access-entry.ts";
import { environVariable } from "./entry-environ.ts";
import { firstCounts, headerIn } from "./header-values.ts";
import { peerAddress } from "./peer-address.ts";

/** In nginx's words: the connection closed before there was any reply. */
const NO_REPLY = 499;

export class RequestEntry implements AccessEntry {
  readonly request: IncomingMessage;
  /** Undefined for an upgrade, which the application answers on the socket. */
  readonly response: ServerResponse | undefined;
  readonly address: string | undefined;
  readonly method: string;
  readonly target: string;
  /** On the monotonic clock. */
  readonly startedAt: number;
  bytesWritten = 0;
  durationMs: number = Number.NaN;
  endedAt: number = Number.NaN;
  /** What was answered past the response: to an upgrade, or to a request whose rest could not be read. */
  answered: number | undefined = undefined;
  isCut = false;
  isOver = false;

  constructor(request: IncomingMessage, response: ServerResponse | undefined, startedAt: number) {
    this.request = request;
    this.response = response;
    this.address = peerAddress(request.socket);
    this.method = request.method as string;
    this.target = request.url as string;
    this.startedAt = startedAt;
  }

  get version(): string {
    return this.request.httpVersion;
  }

  get status(): number {
    return this.#sentStatus ?? this.answered ?? NO_REPLY;
  }

  /** What an application writes as the reply to HEAD, or with these statuses, is not sent. */
  get bytes(): number {
    const status = this.#sentStatus;
    const hasBody = status !== undefined && status !== 204 && status !== 304 && this.method !== "HEAD";
    return hasBody ? this.bytesWritten : 0;
  }

  /** Undefined where no reply was begun, or one that stood in line behind another until the connection closed. */
  get #sentStatus(): number | undefined {
    const { response, isCut } = this;
    if (response?.headersSent !== true || (isCut && response.socket === null)) return undefined;
    return sentStatus(response);
  }

  /** Node makes an object of all headers when one is asked for: not for a line that shows two of them. */
  header(name: string): string | readonly string[] | undefined {
    const { request } = this;
    const first = firstOf(request.rawHeaders, name);
    return first === undefined || firstCounts(name) ? first : request.headers[name];
  }

  replyHeader(name: string): string | undefined {
    const { response } = this;
    if (response === undefined) return undefined;
    const head = sentHead(response);
    return head === undefined ? textOf(response.getHeader(name)) : headerIn(head, name);
  }

  variable(name: string): string | undefined {
    return environVariable(this.request, this.response, name);
  }
}

function firstOf(rawHeaders: readonly string[], name: string): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const key = rawHeaders[index] as string;
    if (key.length === name.length && key.toLowerCase() === name) return rawHeaders[index + 1];
  }
  return undefined;
}

function textOf(value: number | string | readonly string[] | undefined): string | undefined {
  return value === undefined ? undefined : typeof value === "object" ? value.join(", ") : String(value);
}
