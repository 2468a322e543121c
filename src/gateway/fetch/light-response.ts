/**
 * A Response that keeps status, headers and a body that is text or bytes as they are, so that they can leave in one
 * write. Whatever else it is given or asked for goes to Node's own Response, made at that moment.
 */

import { isArrayBuffer, isUint8Array } from "node:util/types";
import type { HeaderList } from "../types.ts";
import { hasContentType, type HeaderPair, plainPairs } from "./header-pairs.ts";
import { copyOf } from "./kept-copies.ts";
import { type NativeBodyInit, NativeHeaders, NativeResponse, type NativeResponseInit, syncHeaders } from "./native.ts";
import { delegate, isInstance, refuseCloning, standBefore } from "./platform-class.ts";

type PlainBody = string | Uint8Array | null;

/** What a light response is made of and what it sends. */
export interface LightParts {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList;
  readonly body: PlainBody;
}

export class LightResponse {
  #status = 200;
  #statusText = "";
  /** Never changed in place: a clone has the same list. */
  #pairs: HeaderList = NO_PAIRS;
  #body: PlainBody = null;
  #isTaken = false;
  /** Handed out, and from then on what counts. */
  #headers: Headers | undefined;
  #native: Response | undefined;

  constructor(body: NativeBodyInit = null, init?: NativeResponseInit) {
    if (!this.#fill(body, init, TEXT)) this.#adopt(new NativeResponse(body, init));
    refuseCloning(this);
  }

  static json(data: unknown, init?: NativeResponseInit): LightResponse {
    const response = new LightResponse();
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined || !response.#fill(text, init, JSON_TEXT)) {
      response.#adopt(NativeResponse.json(data, init));
    }
    return response;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(this, LightResponse, NativeResponse, value);
  }

  get status(): number {
    return this.#status;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299;
  }

  get headers(): Headers {
    return (this.#headers ??= new NativeHeaders(this.#pairs as [string, string][]));
  }

  get body(): Response["body"] {
    return this.#body === null && this.#native === undefined ? null : this.#materialize().body;
  }

  get bodyUsed(): boolean {
    return this.#native === undefined ? this.#isTaken : this.#native.bodyUsed;
  }

  get type(): Response["type"] {
    // Only what a constructor made is light, and that is never anything else.
    return this.#status === 0 ? "error" : "default";
  }

  get url(): string {
    return this.#native?.url ?? "";
  }

  get redirected(): boolean {
    return this.#native?.redirected ?? false;
  }

  clone(): LightResponse {
    const copy = new LightResponse();
    if (this.#native !== undefined || this.#isTaken) {
      copy.#adopt(this.#materialize().clone());
      return copy;
    }
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#pairs = this.#currentPairs();
    copy.#body = this.#body;
    return copy;
  }

  /**
   * The parts of a response that can be sent as they are, its body then being used; undefined for any other value,
   * also for an object of a derived class, whose getters may say something else.
   */
  static take(value: unknown): LightParts | undefined {
    if (typeof value !== "object" || value === null || !(#status in value)) return undefined;
    if (value.#native !== undefined || value.#isTaken) return undefined;
    if (Object.getPrototypeOf(value) !== LightResponse.prototype) return undefined;
    value.#isTaken = value.#body !== null;
    return { status: value.#status, statusText: value.#statusText, headers: value.#currentPairs(), body: value.#body };
  }

  /** Node's own Response of `value` when that is a light one, else `value`. */
  static unwrap<T>(value: T): T | Response {
    return typeof value === "object" && value !== null && #status in value ? value.#materialize() : value;
  }

  /** Takes what can be kept as it is; false, with nothing taken, when Node's own Response has to look at it. */
  #fill(body: unknown, init: NativeResponseInit | undefined, bodyType: HeaderPair): boolean {
    if (!isPlainBody(body)) return false;
    let pairs: HeaderPair[] = [];
    if (init !== undefined) {
      if (typeof init !== "object" || init === null) return false;
      const { headers, status = 200, statusText = "" } = init;
      const given = headers === undefined ? pairs : plainPairs(headers);
      if (given === undefined || !isPlainStatus(status, body) || !isPlainReason(statusText)) return false;
      pairs = given;
      this.#status = status;
      this.#statusText = statusText;
    }
    if (typeof body === "string" && !hasContentType(pairs)) pairs.push(bodyType);
    this.#pairs = pairs;
    // Copied: the caller may go on to write into its own.
    this.#body = typeof body === "string" || body === null ? body : copyOf(body);
    return true;
  }

  #adopt(native: Response): void {
    this.#native = native;
    this.#headers = native.headers;
    this.#status = native.status;
    this.#statusText = native.statusText;
  }

  #currentPairs(): HeaderList {
    return this.#headers === undefined ? this.#pairs : ([...this.#headers] as HeaderPair[]);
  }

  #materialize(): Response {
    const headers = this.headers;
    if (this.#native === undefined) {
      this.#native = new NativeResponse(this.#body, { status: this.#status, statusText: this.#statusText, headers });
      // Leaves it as it would be had it been sent by itself: used, locked by who used it, and empty.
      if (this.#isTaken)
        this.#native.body
          ?.getReader()
          .cancel()
          .catch(() => {});
    }
    syncHeaders(headers, this.#native.headers);
    return this.#native;
  }
}

function isPlainBody(body: unknown): body is PlainBody {
  if (typeof body === "string" || body === null) return true;
  // Memory that is shared, resizable or gone has rules of its own.
  if (!isUint8Array(body) || body.length === 0 || !isArrayBuffer(body.buffer)) return false;
  return (body.buffer as { resizable?: boolean }).resizable !== true;
}

function isPlainStatus(status: unknown, body: PlainBody): status is number {
  if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599) return false;
  return body === null || (status !== 204 && status !== 205 && status !== 304);
}

function isPlainReason(statusText: unknown): statusText is string {
  return statusText === "" || (typeof statusText === "string" && REASON.test(statusText));
}

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;
const TEXT: HeaderPair = ["content-type", "text/plain;charset=UTF-8"];
const JSON_TEXT: HeaderPair = ["content-type", "application/json"];
const NO_PAIRS: HeaderList = [];

delegate(LightResponse, NativeResponse, (value) => LightResponse.unwrap(value));
standBefore(LightResponse, NativeResponse);
