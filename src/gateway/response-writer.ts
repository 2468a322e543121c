/**
 * From chunks to the verbs of an exchange: the head is held until the first non-empty chunk, the body is counted
 * against Content-Length and left out where a response has none. Throws for a response that cannot be what its head
 * says; what becomes of it then is the caller's business.
 */

import { isUint8Array } from "node:util/types";
import type { Exchange } from "./exchange.ts";
import { kindOf, type ResponseHead } from "./response-headers.ts";
import type { ResponseStart } from "./start-response.ts";
import type { Chunk } from "./types.ts";

/**
 * What to do after a chunk: pull the next, wait for the drain first, or stop: nothing more is sent. `excess`: stop
 * too, the body is longer than its Content-Length and what was too much has not been sent.
 */
export type Sent = "more" | "wait" | "enough" | "excess";

export class ResponseWriter {
  private readonly exchange: Exchange;
  private readonly start: ResponseStart;
  /** Bytes of the whole body where that can be known before it is sent. */
  private total: number | undefined;
  /** Bytes that the head promised and that are still to come; undefined when it promised none. */
  private left: number | undefined;
  private hasBody = true;

  constructor(exchange: Exchange, start: ResponseStart) {
    this.exchange = exchange;
    this.start = start;
  }

  /** Sends a body that is a list of at most one chunk, at once. False: nothing was sent, `send` its chunks. */
  sendList(list: readonly unknown[]): boolean {
    const head = this.requireHead();
    this.total = totalLength(list);
    if (list.length > 1 || (head.length !== undefined && head.length !== this.total)) return false;
    this.sendHead();
    if (this.hasBody && this.total > 0) this.exchange.end(list[0] as Chunk);
    else this.exchange.end();
    return true;
  }

  /** Sends a chunk. Throws a `TypeError` for what is none. */
  send(chunk: unknown): Sent {
    if (this.start.broken !== undefined) throw this.start.broken.error;
    const checked = checkChunk(chunk);
    if (checked.length === 0) return "more";
    if (!this.start.isSent) this.sendHead();
    if (!this.hasBody) return "enough";
    if (this.left !== undefined) return this.sendCounted(checked, this.left);
    return this.exchange.write(checked) ? "more" : "wait";
  }

  /** The body is through. Throws when it was shorter than its Content-Length. */
  finish(): void {
    if (this.start.broken !== undefined) throw this.start.broken.error;
    if (!this.start.isSent) {
      const { length } = this.requireHead();
      if (length !== undefined && length > 0 && this.mayHaveBody()) throw tooShort(length);
      // To a HEAD without a body nothing can be said about the length that a GET would have.
      if (this.exchange.method !== "HEAD") this.total = 0;
      this.sendHead();
    } else if (this.hasBody && this.left !== undefined && this.left > 0) {
      throw tooShort(this.left);
    }
    this.exchange.end();
  }

  private sendHead(): void {
    const head = this.requireHead();
    this.hasBody = this.mayHaveBody();
    if (isBodyless(head.status)) dropContentType(head.headers);
    else this.left = head.length ?? this.total;
    this.exchange.head(head.status, head.reason, head.headers, this.left);
    this.start.isSent = true;
  }

  private sendCounted(chunk: Chunk, left: number): Sent {
    const length = byteLength(chunk);
    if (length <= left) {
      this.left = left - length;
      return this.exchange.write(chunk) ? "more" : "wait";
    }
    this.left = 0;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (left > 0) this.exchange.write(bytes.subarray(0, left));
    return "excess";
  }

  private requireHead(): ResponseHead {
    const { head } = this.start;
    if (head === undefined) throw new Error("the application sent a body without a successful call of startResponse");
    return head;
  }

  private mayHaveBody(): boolean {
    return this.exchange.method !== "HEAD" && !isBodyless(this.requireHead().status);
  }
}

/** Statuses that have no body, and here neither Content-Type nor Content-Length (RFC 9110 sections 15.3.5, 15.4.5). */
function isBodyless(status: number): boolean {
  return status === 204 || status === 304;
}

function dropContentType(headers: string[]): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if ((headers[i] as string).toLowerCase() === "content-type") headers.splice(i, 2);
  }
}

function totalLength(list: readonly unknown[]): number {
  let total = 0;
  for (let i = 0; i < list.length; i++) total += byteLength(checkChunk(list[i]));
  return total;
}

function byteLength(chunk: Chunk): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
}

function checkChunk(chunk: unknown): Chunk {
  if (typeof chunk === "string" || isUint8Array(chunk)) return chunk;
  throw new TypeError(`the body has ${kindOf(chunk)} as a chunk; chunks are Uint8Array or string`);
}

function tooShort(missing: number): Error {
  return new Error(`the body is ${missing} bytes shorter than its Content-Length`);
}
