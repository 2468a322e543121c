/**
 * The gateway interface: PEP 3333 in TypeScript. Types only; their rules are in docs/gateway.md, what enforces them is in
 * `run.ts` and beside it. Keys that PEP 3333 spells as CGI keep their spelling, what it calls `wsgi.x` is `gateway.x`
 * here. CGI values are strings, in which one character is one byte of the request (latin-1), unless the key says otherwise.
 */

import type { FileHandle } from "node:fs/promises";

/** One piece of a response body; a string is sent as UTF-8. Empty chunks are allowed and send nothing. */
export type Chunk = Uint8Array | string;

/**
 * What an application answers with: any iterable or async iterable of chunks, Node and web streams included. A bare
 * string or buffer is refused. It is pulled one chunk at a time, only as fast as the client reads; its `close()`, if
 * it has one, is called exactly once, whatever happens (PEP 3333, "The Server/Gateway Side").
 */
export type Body = Iterable<Chunk> | AsyncIterable<Chunk>;

/** Header fields as a list of `[name, value]`; a name may come more than once, order is kept. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** `200`, or the code with a reason phrase: `"200 OK"` (RFC 9112 section 4). Interim statuses (1xx) are refused. */
export type Status = number | string;

export interface StartResponseOptions {
  /**
   * The error that made the application change its mind. Nothing sent yet: status and headers are replaced. Already
   * sent: this error is thrown again and must not be caught (PEP 3333, "Error Handling", there `exc_info`).
   */
  readonly error?: unknown;
}

/**
 * Says what the head of the response shall be; nothing is sent before the first non-empty chunk. Throws a `TypeError`
 * for a status or header that cannot be sent, an `Error` when it was called before without `error`. The server owns
 * framing and connection: hop-by-hop headers (RFC 9110 section 7.6.1) are refused. (PEP 3333, "The start_response()
 * Callable".)
 */
export type StartResponse = (status: Status, headers: HeaderList, options?: StartResponseOptions) => void;

/** `(environ, startResponse) => body`, or a promise of the body (PEP 3333, "The Application/Framework Side"). */
export type Application = (environ: Environ, startResponse: StartResponse) => Body | PromiseLike<Body>;

/**
 * The request body, pulled: nothing is read from the client before it is asked for. One read at a time; iteration and
 * `read` take from the same bytes. A body that breaks off because the client went away rejects, it never looks ended.
 */
export interface GatewayInput extends AsyncIterable<Uint8Array> {
  /**
   * Up to `n` bytes, at least one unless the body has ended: then an empty chunk. Without `n` all that is left, in
   * memory. Rejects with a `RangeError` when `n` is not a whole number, with an `Error` when the client is gone.
   */
  read(n?: number): Promise<Uint8Array>;
}

/** The server's error log for applications, text (PEP 3333, "Input and Error Streams"). Never closed by them. */
export interface ErrorStream {
  write(text: string): void;
  writelines(lines: Iterable<string>): void;
  flush(): void;
}

/** What `gateway.file_wrapper` takes, besides a `FileHandle`: a path, a stream, anything with `read(size)`. */
export type FileLike = string | URL | AsyncIterable<Chunk> | ReadableFile;

/** Anything with `read(size)`; null or an empty chunk is its end. Its `close()` is called when the body is. */
export interface ReadableFile {
  read(size: number): Chunk | null | undefined | PromiseLike<Chunk | null | undefined>;
  close?(): unknown;
}

/**
 * Makes a body of a file, from its current position to its end, in blocks of `blockSize` bytes (default 65,536).
 * Nothing is opened or read before the server pulls. (PEP 3333, "Optional Platform-Specific File Handling".)
 */
export interface FileWrapper {
  (file: FileHandle, blockSize?: number): FileBody;
  (file: FileLike, blockSize?: number): FileBody;
}

/** A file as a body. `close()` closes the file, once; the server calls it. */
export interface FileBody extends AsyncIterable<Chunk> {
  close(): Promise<void>;
}

/**
 * Sends a `103 Early Hints` (RFC 8297) with these headers, usually `Link`. Returns false, and sends nothing, when the
 * client speaks HTTP/1.0, the response has begun, or there is no `Link`. Throws like `startResponse` for bad headers.
 */
export type EarlyHints = (headers: HeaderList) => boolean;

/**
 * One request: a plain object of its own, which applications and middleware may change. Every key without `?` always
 * exists. Keys of middleware carry a dot: `mymiddleware.user`.
 */
export interface Environ {
  /** The method as sent: `GET` (RFC 9110 section 9). Never empty. */
  REQUEST_METHOD: string;
  /** The mount prefix that was taken from the path: "" at the root, else `/prefix` without a slash at its end. */
  SCRIPT_NAME: string;
  /** The path after `SCRIPT_NAME`, percent-decoded as UTF-8 with U+FFFD for invalid bytes; "" or begins with "/". */
  PATH_INFO: string;
  /** What follows the "?", not decoded; "" if nothing does. */
  QUERY_STRING: string;
  /** The request target exactly as sent, query included (RFC 9112 section 3.2). */
  REQUEST_URI: string;
  /** The `Content-Type` header, if sent. There is no `HTTP_CONTENT_TYPE`. */
  CONTENT_TYPE?: string;
  /** The `Content-Length` header, decimal digits, in bytes; absent for a chunked or no body. */
  CONTENT_LENGTH?: string;
  /** The local address, an IPv6 one in brackets; on a unix socket the name in `Host`, or `localhost`. */
  SERVER_NAME: string;
  /** The local port; on a unix socket `80` or `443`. */
  SERVER_PORT: string;
  /** `HTTP/1.1` or `HTTP/1.0`. */
  SERVER_PROTOCOL: string;
  /** The client's address, an IPv4-mapped IPv6 one as IPv4; absent on a unix socket (RFC 3875 section 4.1.8). */
  REMOTE_ADDR?: string;
  /** The client's port; absent on a unix socket. */
  REMOTE_PORT?: string;
  /** Set by authentication middleware, never by the server (RFC 3875 section 4.1.11). */
  REMOTE_USER?: string;
  /**
   * A request header: `X-Request-Id` is `HTTP_X_REQUEST_ID`. Repeated ones are joined with ", ", `Cookie` with "; ".
   * Names with an underscore are dropped, because they would look like the same header with a hyphen.
   */
  [header: `HTTP_${string}`]: string | undefined;

  /** `[1, 0]`, as `wsgi.version`. */
  "gateway.version": readonly [1, 0];
  /** `http` or `https`. */
  "gateway.url_scheme": string;
  "gateway.input": GatewayInput;
  "gateway.errors": ErrorStream;
  /** Always false: one thread runs all of an application's requests in this process. */
  "gateway.multithread": boolean;
  /** Whether other processes run the same application. */
  "gateway.multiprocess": boolean;
  /** Always false: the process serves more than one request. */
  "gateway.run_once": boolean;
  "gateway.file_wrapper": FileWrapper;
  "gateway.early_hints": EarlyHints;
  /** Aborts when the client is gone before the response was complete. Created when first read. */
  "gateway.signal": AbortSignal;
  /** What middleware adds. */
  [extension: `${string}.${string}`]: unknown;
}
