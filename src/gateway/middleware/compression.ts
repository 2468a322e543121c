/** Compresses replies for clients that take it: as they are made, chunk by chunk, so that a stream stays one. */

import { type BodyReader, openBody } from "../body.ts";
import { defineApplication } from "../define-application.ts";
import type { Body, Chunk, Environ, HeaderList } from "../types.ts";
import { type Coding, createNegotiation } from "./accepted-encodings.ts";
import { availableCodings, Encoder } from "./encoder.ts";
import { codeOf, headerOf, withoutHeaders, withVary } from "./header-list.ts";
import { closeBody, closeReader, pullNext } from "./map-chunks.ts";
import type { Middleware } from "./middleware.ts";
import { onReply, type Reply } from "./on-reply.ts";

export interface CompressionOptions {
  /** Bytes below which a reply of known length is not worth it. Default: 1024. */
  readonly threshold?: number;
  /** The codings to offer, the preferred one first. Default: all that this Node can make, of zstd, br and gzip. */
  readonly codings?: readonly Coding[];
  /** Whether a `Content-Type` is worth it. Default: text, JSON, JavaScript, XML, SVG, WebAssembly and their like. */
  readonly isCompressible?: (contentType: string) => boolean;
}

/**
 * Compresses replies that are worth it and may be changed: not what is small, encoded already, part of something, or
 * marked `no-transform`. `Vary` and a weak `ETag` go with it. Throws a `TypeError` for a coding that Node does not have.
 */
export function compression(options: CompressionOptions = {}): Middleware {
  const { threshold = 1024, codings = availableCodings(), isCompressible = isText } = options;
  for (const coding of codings)
    if (!availableCodings().includes(coding)) throw new TypeError(`this Node cannot compress with ${coding}`);
  const accepted = createNegotiation(codings);
  const isWorthIt = (reply: Reply, environ: Environ): boolean => {
    // First, because it is what most replies of most applications are.
    const length = lengthOf(reply, environ);
    if (length !== undefined && length < threshold) return false;
    const type = headerOf(reply.headers, "content-type");
    return type !== undefined && isCompressible(type) && mayChange(reply, environ);
  };
  return (application) =>
    defineApplication((environ, startResponse) => {
      const change = (reply: Reply): Reply => {
        if (!isWorthIt(reply, environ)) return reply;
        const [coding] = accepted(environ.HTTP_ACCEPT_ENCODING);
        if (coding === undefined) return { ...reply, headers: withVary(reply.headers, "Accept-Encoding") };
        const body = environ.REQUEST_METHOD === "HEAD" ? unsaid(reply.body) : compressed(reply.body, coding);
        return { status: reply.status, headers: headersOf(reply.headers, coding), body };
      };
      return onReply(application, environ, startResponse, change, { makesAsync: true });
    });
}

/** Whether the reply may become another representation (RFC 9110 sections 7.7, 8.4 and 15.3.7). */
function mayChange({ status, headers }: Reply, environ: Environ): boolean {
  const code = codeOf(status);
  if (code === 204 || code === 206 || code === 304 || environ.HTTP_RANGE !== undefined) return false;
  if (/\bno-transform\b/i.test(headerOf(headers, "cache-control") ?? "")) return false;
  return !headers.some(([name]) => OF_THESE_BYTES.has(name.toLowerCase()));
}

/** Undefined where it is not known before the end. */
function lengthOf({ headers, body }: Reply, environ: Environ): number | undefined {
  const given = headerOf(headers, "content-length");
  if (given !== undefined) return Number(given);
  if (!Array.isArray(body) || environ.REQUEST_METHOD === "HEAD") return undefined;
  let length = 0;
  for (const chunk of body as readonly Chunk[])
    length += typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
  return length;
}

function headersOf(headers: HeaderList, coding: Coding): HeaderList {
  const weak = withoutHeaders(headers, NOT_OF_THE_CODED).map(([name, value]) =>
    name.toLowerCase() === "etag" && !value.startsWith("W/")
      ? ([name, `W/${value}`] as const)
      : ([name, value] as const),
  );
  return [...withVary(weak, "Accept-Encoding"), ["Content-Encoding", coding]];
}

/** No bytes, as to a HEAD, and no list, whose length would be told. */
function unsaid(body: Body): Body {
  return Object.assign([][Symbol.iterator](), { close: () => closeBody(body) });
}

/** The body in a coding. `close()` closes both the body and what compresses it. */
function compressed(body: Body, coding: Coding): Body {
  const reader = openBody(body);
  const encoder = new Encoder(coding);
  return Object.assign(encode(reader, encoder), {
    close: () => {
      encoder.destroy();
      return closeReader(reader);
    },
  });
}

async function* encode(reader: BodyReader, encoder: Encoder): AsyncGenerator<Chunk> {
  for (;;) {
    const result = await pullNext(reader);
    if (result.done === true) break;
    // What is all there at once is not worth the bytes that each flush costs.
    yield await encoder.encode(result.value as Chunk, reader.isAsync);
  }
  yield await encoder.finish();
}

function isText(contentType: string): boolean {
  return TEXT.test(contentType);
}

const TEXT =
  /^\s*(?:text\/|application\/(?:json|javascript|ecmascript|xml|wasm|graphql|ld\+json|manifest\+json|x-ndjson|x-javascript|rtf|toml|yaml|x-www-form-urlencoded)\b|image\/(?:bmp|x-icon|vnd\.microsoft\.icon)\b|font\/(?:ttf|otf)\b|[^;]+\+(?:json|xml|text|yaml)\b)/i;
/** A reply that has one of these is about exactly these bytes. */
const OF_THESE_BYTES: ReadonlySet<string> = new Set([
  "content-digest",
  "content-encoding",
  "content-md5",
  "content-range",
  "digest",
  "repr-digest",
]);
const NOT_OF_THE_CODED: ReadonlySet<string> = new Set(["accept-ranges", "content-length"]);
