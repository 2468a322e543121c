/**
 * How large a request may be, in the words of `--limit-request-line`, `-fields`, `-field-size` and `-body`, and whether
 * one is larger. Node has read its head as a whole by then; a head beyond 64 KB it has answered for by itself.
 */

import type { IncomingMessage } from "node:http";
import type { SizeLimits } from "../boot-order.ts";

/**
 * The status of a request whose head is too large (RFC 9110 section 15.5.15, RFC 6585 section 5), or announces too much
 * (RFC 9110 section 15.5.14); undefined for others.
 */
export function sizeStatus(request: IncomingMessage, limits: SizeLimits): 413 | 414 | 431 | undefined {
  const { requestLine, requestFields, requestFieldSize, requestBody } = limits;
  const { method = "", url = "", rawHeaders } = request;
  if (requestLine > 0 && method.length + url.length + SPACES_AND_VERSION > requestLine) return 414;
  if (requestFields > 0 && rawHeaders.length > 2 * requestFields) return 431;
  if (requestFieldSize > 0 && hasLargeField(rawHeaders, requestFieldSize)) return 431;
  return requestBody > 0 && Number(fieldOf(rawHeaders, "content-length") ?? 0) > requestBody ? 413 : undefined;
}

/**
 * Counts a body whose length nobody has said, before anybody can read it. At the first byte beyond `limit` it calls
 * `exceeded`, once: from then on the request gets nothing more, and does not end, so that nobody takes the part for the
 * whole. False: its length is said. What comes after the reply is not counted, because Node discards it unread.
 */
export function countBody(request: IncomingMessage, limit: number, exceeded: () => void): boolean {
  if (fieldOf(request.rawHeaders, "transfer-encoding") === undefined) return false;
  const push = request.push.bind(request);
  let left = limit;
  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (left < 0) return true;
    if (chunk instanceof Uint8Array) left -= chunk.length;
    if (left >= 0) return push(chunk, encoding);
    Object.defineProperty(request, "complete", { get: () => false, set: () => {} });
    exceeded();
    return true;
  };
  return true;
}

function hasLargeField(rawHeaders: readonly string[], limit: number): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2)
    if ((rawHeaders[i] as string).length + COLON_AND_SPACE + (rawHeaders[i + 1] as string).length > limit) return true;
  return false;
}

/** The first value of a header; Node's own `headers` would be made of all of them. */
function fieldOf(rawHeaders: readonly string[], wanted: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === wanted.length && name.toLowerCase() === wanted) return rawHeaders[i + 1];
  }
  return undefined;
}

const SPACES_AND_VERSION = " ".length + " HTTP/1.1".length;
const COLON_AND_SPACE = ": ".length;
