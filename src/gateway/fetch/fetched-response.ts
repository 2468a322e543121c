/**
 * Responses that `fetch()` has brought: their bodies come decoded, while their headers still tell of the coding that
 * they had on the way. Knows which those are.
 */

import zlib from "node:zlib";

/** Notes that the body of `response` is not as its headers say, wherever that body goes. */
export function rememberDecoded(response: Response): Response {
  if (response.body !== null && isCodingDecoded(response.headers)) decodedBodies.add(response.body);
  return response;
}

/**
 * Whether the body of a response that is to be sent was decoded by `fetch()`: a body noted before, or that of a
 * response which still is as `fetch()` returned it, with a URL.
 */
export function isDecoded({ body, headers, url }: Pick<Response, "body" | "headers" | "url">): boolean {
  if (body === null) return false;
  return decodedBodies.has(body) || (url !== undefined && url !== "" && isCodingDecoded(headers));
}

/** Whether `fetch()` decodes all of the codings named: of one that it does not know it leaves the body as it came. */
function isCodingDecoded(headers: Response["headers"]): boolean {
  const codings = headers.get("content-encoding");
  if (codings === null) return false;
  return codings.split(",").every((coding) => DECODED.has(coding.trim().toLowerCase()));
}

function isUndiciSince(major: number, minor: number): boolean {
  const [ours = 0, oursMinor = 0] = (process.versions.undici ?? "").split(".").map(Number);
  return ours > major || (ours === major && oursMinor >= minor);
}

/** undici decodes zstd since 7.11, where Node's zlib can. */
const HAS_ZSTD = "createZstdDecompress" in zlib && isUndiciSince(7, 11);
const DECODED = new Set(["br", "deflate", "gzip", "x-gzip", ...(HAS_ZSTD ? ["zstd"] : [])]);
const decodedBodies = new WeakSet<object>();
