/**
 * What an application may put in the head of a response. Checked when `startResponse` is called, so that the stack of
 * the error is the application's. Rules: PEP 3333 "The start_response() Callable", RFC 9110 sections 5.1, 5.5, 7.6.1.
 */

import type { HeaderList, Status } from "./types.ts";

/** A head that was checked: `headers` is flat (name, value, …) and has no Content-Length, which is `length`. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string | undefined;
  readonly headers: string[];
  /** Bytes by the application's own Content-Length; undefined when it gave none. */
  readonly length: number | undefined;
}

/** Checks a head and copies it. Throws a `TypeError` that says what is wrong with it. */
export function checkHead(status: Status, headers: HeaderList): ResponseHead {
  const code = checkStatus(status);
  const reason = typeof status === "string" ? status.slice(4) : undefined;
  const flat = checkHeaders(headers);
  const at = contentLengthAt(flat);
  if (at < 0) return { status: code, reason, headers: flat, length: undefined };
  const [, value] = flat.splice(at, 2);
  return { status: code, reason, headers: flat, length: checkLength(value as string, flat) };
}

/** Checks a list of headers and returns it flat. Throws a `TypeError` for the first that may not be sent. */
export function checkHeaders(headers: HeaderList): string[] {
  if (!Array.isArray(headers)) {
    throw new TypeError(`headers must be a list of [name, value], not ${kindOf(headers)}`);
  }
  const flat: string[] = [];
  for (let i = 0; i < headers.length; i++) {
    const pair: unknown = headers[i];
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError(`each header must be [name, value]; number ${i + 1} is ${kindOf(pair)}`);
    }
    checkHeader(pair[0], pair[1]);
    flat.push(pair[0], pair[1]);
  }
  return flat;
}

/** Whether a field is the server's to send: `startResponse` refuses it. */
export function isServersOwn(name: string): boolean {
  return FORBIDDEN_LENGTHS.has(name.length) && FORBIDDEN.has(name.toLowerCase());
}

/** In words what `value` is, for the end of a sentence: `a string`, `null`, `a list of 3`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const name: unknown = typeof value === "object" ? value.constructor?.name : typeof value;
  if (typeof name !== "string" || name === "Object" || name === "") return "an object";
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}

function checkStatus(status: unknown): number {
  if (typeof status === "number") {
    if (Number.isInteger(status) && status >= 200 && status <= 999) return status;
  } else if (typeof status === "string") {
    if (STATUS_LINE.test(status)) return Number(status.slice(0, 3));
  } else {
    throw new TypeError(`the status must be a number or a string like "200 OK", not ${kindOf(status)}`);
  }
  throw new TypeError(
    INTERIM.test(String(status))
      ? `the status ${JSON.stringify(status)} is not final: startResponse takes 200 to 999`
      : `the status ${JSON.stringify(status)} is not three digits, or three digits, one space and a reason`,
  );
}

function checkHeader(name: unknown, value: unknown): void {
  if (typeof name !== "string" || !knownNames.has(name)) checkName(name);
  if (typeof value !== "string") {
    throw new TypeError(`the value of the header ${name} must be a string, not ${kindOf(value)}`);
  }
  if (!VALUE.test(value)) {
    throw new TypeError(`the value of the header ${name} has a control character or one beyond latin-1`);
  }
}

function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string") throw new TypeError(`a header's name must be a string, not ${kindOf(name)}`);
  if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a header name`);
  if (isServersOwn(name)) throw new TypeError(`the header ${name} is the server's to send, not the application's`);
  if (knownNames.size < KNOWN_LIMIT) knownNames.add(name);
}

/** Index in the flat list of the only header of that length and name; a second one is refused by `checkLength`. */
function contentLengthAt(flat: readonly string[]): number {
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name.length === 14 && name.toLowerCase() === "content-length") return i;
  }
  return -1;
}

function checkLength(value: string, others: readonly string[]): number {
  const length = DIGITS.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) {
    throw new TypeError(`the Content-Length ${JSON.stringify(value)} is not a number of bytes`);
  }
  if (contentLengthAt(others) >= 0) throw new TypeError("there is more than one Content-Length");
  return length;
}

const STATUS_LINE = /^[2-9]\d\d (?! )[\x20-\x7e\x80-\xff]*$/;
const INTERIM = /^1\d\d( |$)/;
/** A token, as names of headers are (RFC 9110 section 5.6.2). */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^\d+$/;

/** Names that may be sent: applications use the same few dozen, and stacks of middleware ask several times. */
const knownNames = new Set<string>();
const KNOWN_LIMIT = 512;

/** Hop-by-hop (wsgiref.util, RFC 9110 section 7.6.1), and `Status`, which is CGI's. */
const FORBIDDEN = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "status",
  "te",
  "trailer",
  "trailers",
  "transfer-encoding",
  "upgrade",
]);
const FORBIDDEN_LENGTHS = new Set([...FORBIDDEN].map((name) => name.length));
