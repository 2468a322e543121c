/**
 * The Request of a request that came in, light: it knows its method and URL, and makes headers, signal, body or
 * Node's own Request when they are asked for. Whole bodies are read from `gateway.input` without a stream between.
 */

import type { Environ } from "../types.ts";
import { NativeRequest, type NativeRequestInit, type NativeRequestInput, syncHeaders } from "./native.ts";
import { delegate, isInstance, refuseCloning, standBefore } from "./platform-class.ts";
import { hasRequestBody, nativeRequest, requestHeaders } from "./request-parts.ts";

/**
 * What applications get as `Request`: Node's own, which can be made of a light one as well, and which all requests,
 * light or not, are instances of.
 */
export class LightRequest extends NativeRequest {
  constructor(input: NativeRequestInput, init: NativeRequestInit = {}) {
    super(IncomingRequest.unwrap(input), init);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(this, LightRequest, NativeRequest, value);
  }
}

export class IncomingRequest {
  readonly #environ: Environ;
  readonly #url: string;
  readonly #method: string;
  #headers: Headers | undefined;
  #signal: AbortSignal | undefined;
  #native: Request | undefined;
  /** Its body was read to the end without Node's own Request. */
  #isRead = false;

  constructor(environ: Environ, url: string, method: string) {
    this.#environ = environ;
    this.#url = url;
    this.#method = method;
    refuseCloning(this);
  }

  get method(): string {
    return this.#method;
  }

  get url(): string {
    return this.#url;
  }

  get headers(): Headers {
    return (this.#headers ??= requestHeaders(this.#environ));
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#environ["gateway.signal"]);
  }

  get body(): Request["body"] {
    return hasRequestBody(this.#environ) ? this.#materialize().body : null;
  }

  get bodyUsed(): boolean {
    return this.#native === undefined ? this.#isRead : this.#native.bodyUsed;
  }

  clone(): Request {
    return Object.setPrototypeOf(this.#materialize().clone(), LightRequest.prototype) as Request;
  }

  async text(): Promise<string> {
    return UTF8.decode(await this.#consume());
  }

  async json(): Promise<unknown> {
    return JSON.parse(UTF8.decode(await this.#consume()));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#consume()).buffer;
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.#consume());
  }

  async blob(): Promise<Blob> {
    return this.#materialize().blob();
  }

  async formData(): Promise<FormData> {
    return this.#materialize().formData();
  }

  /** Node's own Request of `value` when that is a light one, else `value`. */
  static unwrap<T>(value: T): T | Request {
    return typeof value === "object" && value !== null && #environ in value ? value.#materialize() : value;
  }

  /**
   * Like `unwrap`, for a request that is to be sent on: without the fields that were meant for the connection it came
   * on (RFC 9110 section 7.6.1) and that `fetch()` would refuse.
   */
  static forward<T>(value: T): T | Request {
    const native = IncomingRequest.unwrap(value);
    if (native === value) return value;
    for (const name of NOT_FORWARDED) (native as Request).headers.delete(name);
    return native;
  }

  /** All of the body; whoever awaits it is async, and no promise is made besides that of the read. */
  #consume(): Uint8Array | Promise<Uint8Array> {
    if (this.#native !== undefined) return this.#native.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    if (!hasRequestBody(this.#environ)) return EMPTY;
    if (this.#isRead) throw new TypeError("Body is unusable: Body has already been read");
    this.#isRead = true;
    return this.#environ["gateway.input"].read();
  }

  #materialize(): Request {
    if (this.#native === undefined) {
      this.#native = nativeRequest(this.#environ, this.#url, this.#method, this.headers);
      // Leaves it as it would be had it been read by itself: used, locked by who used it, and empty.
      if (this.#isRead)
        this.#native.body
          ?.getReader()
          .cancel()
          .catch(() => {});
    } else {
      syncHeaders(this.#headers, this.#native.headers);
    }
    return this.#native;
  }
}

const UTF8 = new TextDecoder();
const NOT_FORWARDED = ["connection", "expect", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
const EMPTY = new Uint8Array(0);

// Whoever takes a member from `Request.prototype` finds it there, and may call it on a light request.
for (const light of [IncomingRequest, LightRequest])
  delegate(light, NativeRequest, (value) => IncomingRequest.unwrap(value));
standBefore(IncomingRequest, LightRequest, NativeRequest);
Object.defineProperty(LightRequest, "name", { value: NativeRequest.name });
Object.defineProperty(IncomingRequest.prototype, "constructor", { value: LightRequest, enumerable: false });
