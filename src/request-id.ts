/**
 * The id of a request: what its client or a proxy calls it, else one of ours. Ours are unique over workers, hosts and
 * restarts by a random beginning that each process makes once, and cost a counter each.
 */

import { randomBytes } from "node:crypto";

/** The header that carries it, in lower case. */
export const REQUEST_ID_HEADER = "x-request-id";

/** The same as it is written. */
export const REQUEST_ID_NAME = "X-Request-Id";

/** The id in a header's value; undefined for none, and for what is too long or strange to be handed on. */
export function saneRequestId(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length === 0 || value.length > LONGEST) return undefined;
  // No regular expression: this is asked for also while one is running that never ends.
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code <= SPACE || code >= DELETE) return undefined;
  }
  return value;
}

/** A new one, of some twenty characters. */
export function newRequestId(): string {
  prefix ??= randomBytes(9).toString("base64url");
  return `${prefix}-${(++count).toString(36)}`;
}

let prefix: string | undefined;
let count = 0;

const LONGEST = 128;
/** Between them is what can be seen of ASCII; two headers that Node has joined have a space, and are not one id. */
const SPACE = 0x20;
const DELETE = 0x7f;
