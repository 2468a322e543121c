/**
 * Request headers as environ keys (RFC 3875 section 4.1.18). Names are looked up in a bounded cache, because clients
 * send the same few dozen over and over.
 */

import { isWorthKeeping, ownText } from "./own-text.ts";
import type { Environ } from "./types.ts";

/**
 * Adds a flat header list (name, value, …) to `environ`. Repeated headers are joined with ", ", Cookie with "; ";
 * names with an underscore are dropped: `X_A` would come out as `X-A` does, and a proxy checks only one of them. False
 * when some were.
 */
export function addHeaders(environ: Environ, headers: readonly string[]): boolean {
  let isWhole = true;
  const keys = environ as unknown as Record<string, string | undefined>;
  for (let i = 0; i < headers.length; i += 2) {
    const key = environKey(headers[i] as string);
    if (key === DROPPED) {
      isWhole = false;
      continue;
    }
    const value = headers[i + 1] as string;
    const before = keys[key];
    keys[key] = before === undefined ? value : before + (key === "HTTP_COOKIE" ? "; " : ", ") + value;
  }
  return isWhole;
}

function environKey(name: string): string {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const key = makeKey(name);
  if (cache.size < CACHE_LIMIT && isWorthKeeping(name)) cache.set(ownText(name), key);
  return key;
}

function makeKey(name: string): string {
  if (name.includes("_")) return DROPPED;
  const key = name.toUpperCase().replaceAll("-", "_");
  return key === "CONTENT_TYPE" || key === "CONTENT_LENGTH" ? key : `HTTP_${key}`;
}

const DROPPED = "";

/** Enough for every name in honest use; a client that sends random names cannot make it grow beyond. */
const CACHE_LIMIT = 512;
const cache = new Map<string, string>();
