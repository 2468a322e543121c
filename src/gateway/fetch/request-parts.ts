/**
 * What a fetch Request is made of, out of an environ: method, headers, body stream, and Node's own Request. Reads the
 * environ and nothing else, so what middleware changed there is what the handler sees.
 */

import { ReadableStream, type ReadableByteStreamController } from "node:stream/web";
import { RequestRefused } from "../environ.ts";
import { ExchangeInput } from "../input.ts";
import { isWorthKeeping } from "../own-text.ts";
import type { Environ, GatewayInput } from "../types.ts";
import { NativeHeaders, NativeRequest, type NativeRequestInit } from "./native.ts";

/**
 * The method as Request keeps it (Fetch standard, "normalize a method"). Throws `RequestRefused` (501) for one that it
 * must not hold ("forbidden method").
 */
export function requestMethod(environ: Environ): string {
  const method = environ.REQUEST_METHOD;
  if (method === "GET" || method === "POST") return method;
  const upper = method.toUpperCase();
  if (FORBIDDEN_METHODS.has(upper)) {
    throw new RequestRefused(501, `a fetch handler cannot be asked with the method ${upper}`);
  }
  return NORMALIZED_METHODS.has(upper) ? upper : method;
}

/** All request headers, in a Headers object of its own. */
export function requestHeaders(environ: Environ): Headers {
  const headers = new NativeHeaders();
  for (const key in environ) {
    const name = headerName(key);
    const value: unknown = name === NO_HEADER ? undefined : environ[key as `HTTP_${string}`];
    if (typeof value === "string") headers.append(name, value);
  }
  return headers;
}

/**
 * Whether the Request has a body. GET and HEAD cannot have one; the exchange drops what came. An input that middleware
 * put in place of the server's may hold bytes that no header speaks of.
 */
export function hasRequestBody(environ: Environ): boolean {
  const method = environ.REQUEST_METHOD;
  if (method === "GET" || method === "HEAD") return false;
  const length = environ.CONTENT_LENGTH;
  if (length !== undefined) return Number(length) !== 0;
  return environ.HTTP_TRANSFER_ENCODING !== undefined || !(environ["gateway.input"] instanceof ExchangeInput);
}

/** Node's own Request, with `headers` and a body that is pulled from `gateway.input`. Nothing is read yet. */
export function nativeRequest(environ: Environ, url: string, method: string, headers: Headers): Request {
  const init: NativeRequestInit = { method, headers, signal: environ["gateway.signal"] };
  if (!hasRequestBody(environ)) return new NativeRequest(url, init);
  const body = inputStream(environ["gateway.input"]);
  return new NativeRequest(url, { ...init, body, duplex: "half" });
}

/**
 * The input as a byte stream without a buffer of its own: a chunk is pulled when one is asked for. Chunks are copied,
 * because a byte stream takes the memory it is given, and a transport may have other requests in the same block.
 */
function inputStream(input: GatewayInput): ReadableStream {
  return new ReadableStream({
    type: "bytes",
    async pull(controller: ReadableByteStreamController) {
      const chunk = await input.read(BLOCK);
      if (chunk.length > 0) {
        controller.enqueue(new Uint8Array(chunk));
        return;
      }
      controller.close();
      // A reader with a buffer of its own is answered only so that there was nothing more.
      (controller.byobRequest as { respond(bytes: number): void } | null)?.respond(0);
    },
  });
}

function headerName(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = makeName(key);
  if (names.size < CACHE_LIMIT && isWorthKeeping(key)) names.set(key, name);
  return name;
}

function makeName(key: string): string {
  if (key === "CONTENT_TYPE" || key === "CONTENT_LENGTH") return key.toLowerCase().replace("_", "-");
  return key.startsWith("HTTP_") ? key.slice(5).toLowerCase().replaceAll("_", "-") : NO_HEADER;
}

const NO_HEADER = "";
const BLOCK = 65_536;

/** The same bound, and for the same reason, as that of the keys in `request-headers.ts`. */
const CACHE_LIMIT = 512;
const names = new Map<string, string>();

const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);
const NORMALIZED_METHODS = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
