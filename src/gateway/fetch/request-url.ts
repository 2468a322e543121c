/**
 * The absolute URL of a request (RFC 9110 section 7.1), from the environ: scheme of the gateway, host of the client,
 * target as sent. What is not plainly normal already goes through `new URL`, so the result is always what that gives.
 */

import { RequestRefused } from "../environ.ts";
import { targetBelow } from "../mount-table.ts";
import { isWorthKeeping, ownText } from "../own-text.ts";
import type { Environ } from "../types.ts";

/**
 * The URL of the request, serialised as the URL standard does, without the prefix that is in `SCRIPT_NAME`. The scheme is `gateway.url_scheme` even when an
 * absolute-form target names another; `OPTIONS *` is the root (RFC 9112 section 3.3); bytes beyond ASCII come out
 * percent-encoded. Throws `RequestRefused` (400) when the host is none that a URL can have.
 */
export function requestUrl(environ: Environ): string {
  const origin = originOf(
    environ["gateway.url_scheme"],
    environ.HTTP_HOST || `${environ.SERVER_NAME}:${environ.SERVER_PORT}`,
  );
  const target = targetBelow(environ);
  if (PLAIN.test(target)) return origin + target;
  const path = pathOf(target).replace(BEYOND_ASCII, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
  return new URL(origin + path).href;
}

/** The target without the scheme and host of an absolute-form; always begins with a slash. */
function pathOf(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target;
  if (target === "*") return "/";
  const rest = target.replace(SCHEME_AND_HOST, "");
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}

function originOf(scheme: string, host: string): string {
  if (host === lastHost && scheme === cachedScheme) return lastOrigin;
  const origin = (scheme === cachedScheme ? cache.get(host) : undefined) ?? keepOrigin(scheme, host);
  lastHost = host;
  lastOrigin = origin;
  return origin;
}

function keepOrigin(scheme: string, host: string): string {
  const origin = makeOrigin(scheme, host);
  if (scheme !== cachedScheme) {
    cachedScheme = scheme;
    cache.clear();
  }
  if (cache.size < CACHE_LIMIT && isWorthKeeping(host)) cache.set(ownText(host), origin);
  return origin;
}

function makeOrigin(scheme: string, host: string): string {
  const url = parse(`${scheme}://${host}/`);
  // Anything beyond host and port would mean that the host was read as something else.
  if (url === undefined || url.host === "" || url.href !== `${url.protocol}//${url.host}/`) {
    throw new RequestRefused(400, "the Host header is not a host that a URL can have");
  }
  return `${url.protocol}//${url.host}`;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/**
 * Characters that no part of the URL standard changes, and no segment that could be "." or ".." (also written with
 * %2e). Less than is possible: what is left out only takes the longer way.
 */
const PLAIN = /^(?:\/(?!\.|%2[Ee])[\w\-.~!$&'()*+,;=:@%]*)+(?:\?[\w\-.~!$&()*+,;=:@%/?[\]]*)?$/;
const SCHEME_AND_HOST = /^https?:\/\/[^/?#]*/i;
const BEYOND_ASCII = /[\x80-\xff]/g;
const SLASH = 47;

/** Hosts that clients send: a server has few, and a client that makes them up cannot make it grow beyond. */
const CACHE_LIMIT = 256;
const cache = new Map<string, string>();
let cachedScheme = "";
/** Almost always the next request names the same. */
let lastHost = "";
let lastOrigin = "";
