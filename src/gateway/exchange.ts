/**
 * The seam between transport and gateway. A transport (the Node listener, an HTTP engine) implements `Exchange` once
 * per request; `run.ts` drives it and knows neither sockets nor `node:http`. Made to cost nothing that is not used:
 * headers are one flat list, a known body leaves in one `end`, and only a call that has to wait asks to be told.
 */

import type { Chunk, Environ } from "./types.ts";

/**
 * Why a request that nobody waits for any more is given up: what its signal aborts with and what a read of its input
 * rejects with. Named like the platform's own, so that `error.name === "AbortError"` holds.
 */
export class ClientGone extends Error {
  override readonly name = "AbortError";
  readonly code = "ABORT_ERR";

  constructor() {
    super("the client closed the connection before the response was complete");
  }
}

/** What a read of the input rejects with once the response is complete. Named as `ClientGone` is. */
export class InputLeft extends Error {
  override readonly name = "AbortError";
  readonly code = "ABORT_ERR";

  constructor() {
    super("the response is complete: the rest of the request's body is not read any more");
  }
}

/** What is the same for all requests of a connection; made once for each. */
export interface ConnectionFacts {
  /** Textual address without brackets, or undefined on a unix socket. */
  readonly localAddress: string | undefined;
  /** Decimal, or undefined on a unix socket. */
  readonly localPort: string | undefined;
  /** Textual address, IPv4-mapped IPv6 already as IPv4; undefined on a unix socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: string | undefined;
  /** The connection is one of a unix socket. Not the same as to have no address: a closed one of TCP has none either. */
  readonly isUnix?: boolean;
  /** Whether the client speaks TLS with us. */
  readonly isSecure: boolean;
}

/** Whoever waits for the client: told when there is room again, and when nobody is there any more. */
export interface ExchangeWatcher {
  /** After a `write` that returned false: write on. */
  onDrain(): void;
  /** The client is gone before the response was complete. At most once, never after `end` or `destroy`. */
  onGone(): void;
}

/** Whoever reads a body to its end: told at the moment when it has come, or broke off. */
export interface WholeReader {
  readEnded(isWhole: boolean): void;
}

/** One request and the way to answer it. */
export interface Exchange {
  readonly method: string;
  /** The raw request target (RFC 9112 section 3.2). */
  readonly target: string;
  /** `1.1` or `1.0`. */
  readonly version: string;
  /** As received: name, value, name, value …; one character a byte. */
  readonly headers: readonly string[];
  readonly connection: ConnectionFacts;
  /** Adds the headers to an environ by the rules of `request-headers.ts`, where the transport has its keys at hand. */
  readonly addHeaders?: ((environ: Environ) => void) | undefined;
  /** Whether the client was gone before the response was complete. */
  readonly isGone: boolean;

  /**
   * Pulls 1 to `maxBytes` bytes of the request body; an empty chunk is its end. Never called while one is pending.
   * Rejects with `ClientGone` when the body broke off, and with `InputLeft` once the response is complete: a pull that is
   * pending then, too. The first pull answers `Expect: 100-continue` (RFC 9110 section 10.1.1).
   */
  read(maxBytes: number): Promise<Uint8Array>;

  /**
   * Pulls all that is left, as `read` does, where the transport has a shorter way than one `read` after another. Tells
   * `reader` when it has, or when that failed, which then is no rejection that somebody has to handle.
   */
  readonly readToEnd?: ((reader: WholeReader) => Promise<Uint8Array>) | undefined;

  /** Whether the next `read` would find the end, where the transport knows that already. */
  readonly isInputAtEnd?: boolean;

  /** Sends an interim response; `headers` is flat and checked. False when it cannot be sent. */
  earlyHints(headers: readonly string[]): boolean;

  /**
   * The head of the response; may wait for the first byte of the body. `headers` is flat, checked, without
   * Content-Length and the exchange's own from here on; `length` is the body's in bytes, undefined if not known: the
   * transport chooses the framing (RFC 9112 section 6). For HEAD, 204 and 304 only `end()` follows.
   */
  head(status: number, reason: string | undefined, headers: string[], length: number | undefined): void;

  /** Sends a non-empty chunk. False: it was taken, and nothing more shall be written until `onDrain`. */
  write(chunk: Chunk): boolean;

  /** The response is complete, after this last chunk if there is one. */
  end(chunk?: Chunk): void;

  /** The response is broken: the client must see that, so the connection goes without a clean end. */
  destroy(): void;

  /**
   * The gateway is about to refuse the request with this status, for this reason, one of a few sentences: the connection
   * serves no further one. Only before `head`.
   */
  refused(status: number, reason: string): void;

  /** Names who is told of drain and disconnect, even of one that was before. At most once; nothing listens before. */
  watch(watcher: ExchangeWatcher): void;
}
