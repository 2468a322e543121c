/**
 * The fields of a Response as they may be sent on this connection. A Response is often one that `fetch()` brought, and
 * says things about the connection it came over; a gateway application must not (RFC 9110 section 7.6.1).
 */

import { isServersOwn } from "../response-headers.ts";
import type { HeaderList } from "../types.ts";

/** What else is not true of what is sent, besides the fields that belong to a connection. */
export interface Untrue {
  /** The body is known, and the server counts it. */
  readonly contentLength: boolean;
  /** The body is not coded any more. */
  readonly contentEncoding: boolean;
}

/**
 * `headers` without the fields of the connection they came over, those that `Connection` names included, and without
 * what is untrue. A tab in a value becomes a space, which means the same (RFC 9110 section 5.5).
 */
export function sendableHeaders(headers: HeaderList, untrue: Untrue): HeaderList {
  for (let i = 0; i < headers.length; i++) {
    const [name, value] = headers[i] as readonly [string, string];
    if (isServersOwn(name) || isUntrue(name, untrue) || value.includes("\t")) return filtered(headers, untrue);
  }
  return headers;
}

function filtered(headers: HeaderList, untrue: Untrue): HeaderList {
  const named = new Set<string>();
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== "connection") continue;
    for (const option of value.split(",")) named.add(option.trim().toLowerCase());
  }
  return headers
    .filter(([name]) => !isServersOwn(name) && !isUntrue(name, untrue) && !named.has(name.toLowerCase()))
    .map(([name, value]) => [name, value.replaceAll("\t", " ")] as const);
}

function isUntrue(name: string, untrue: Untrue): boolean {
  if (name.length === CONTENT_LENGTH.length) return untrue.contentLength && name.toLowerCase() === CONTENT_LENGTH;
  if (name.length === CONTENT_ENCODING.length) return untrue.contentEncoding && name.toLowerCase() === CONTENT_ENCODING;
  return false;
}

const CONTENT_LENGTH = "content-length";
const CONTENT_ENCODING = "content-encoding";
