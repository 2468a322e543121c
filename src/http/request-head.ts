/**
 * The head of a request as llhttp has taken it apart: one string, sliced by offsets. What llhttp lets through and RFC
 * 9112 or 9110 forbid is refused here, so that no message has two readings.
 */

import { isAuthority } from "../gateway/authority.ts";
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  HOST,
  NO_NAME,
  spell,
  type Spelling,
  spellingAfter,
  type TextAndBytes,
  TRANSFER_ENCODING,
  UPGRADE,
} from "./header-names.ts";
import type { Limits } from "./limits.ts";
import { type Refusal, REFUSALS } from "./refusal.ts";
import { COUNT, FIELDS, URL_END, URL_START } from "./span-recorder.ts";

export interface HeadRules {
  readonly limits: Limits;
  readonly largestHead: number;
  /** Whether a header name with an underscore is refused; else no environ has it. */
  readonly refusesUnderscores: boolean;
  /** Whether an `https:` target is refused on a connection that is not encrypted. */
  readonly refusesHttpsTargets: boolean;
}

export class RequestHead {
  readonly method: string;
  readonly target: string;
  /** `1.1` or `1.0`. */
  readonly version: string;
  /** The headers, in their order. */
  readonly names: Spelling[] = [];
  readonly values: string[] = [];
  host: string | undefined;
  contentLength = 0;
  isChunked = false;
  /** Whether the client wants, and may have, more requests on this connection. */
  keepsAlive: boolean;
  isCloseAsked = false;
  expectsContinue = false;
  /** Whether `Connection` names `upgrade`, and an `Upgrade` says to what. */
  isUpgradeOffered = false;
  isUpgradeNamed = false;

  constructor(method: string, target: string, version: string) {
    this.method = method;
    this.target = target;
    this.version = version;
    this.keepsAlive = version === "1.1";
  }

  /** Name, value, name, value …, as they were sent. */
  get headers(): string[] {
    const flat: string[] = [];
    for (let i = 0; i < this.names.length; i++) flat.push((this.names[i] as Spelling).text, this.values[i] as string);
    return flat;
  }

  /** The values of a header by its lower-case name, in their order. */
  allOf(name: string): string[] {
    return this.values.filter((_, i) => isNamed(this.names[i] as Spelling, name));
  }

  /** The same as an environ would have it; undefined where there is none. */
  header(name: string): string | undefined {
    const all = this.allOf(name);
    return all.length === 0 ? undefined : all.join(name === "cookie" ? "; " : ", ");
  }

  /** A copy that has this header once, with this value. */
  withHeader(name: string, value: string): RequestHead {
    const isOther = (_: unknown, i: number): boolean => !isNamed(this.names[i] as Spelling, name.toLowerCase());
    const names = [...this.names.filter(isOther), spell(name)];
    const values = [...this.values.filter(isOther), value];
    return Object.assign(new RequestHead(this.method, this.target, this.version), this, { names, values });
  }

  get wantsUpgrade(): boolean {
    return this.isUpgradeOffered && this.isUpgradeNamed;
  }

  get hasBody(): boolean {
    return this.isChunked || this.contentLength > 0;
  }
}

/** A head as it came, from the end of the message before on. */
export interface HeadSource extends TextAndBytes {
  /** What `span-recorder.ts` has noted: places in the text. */
  readonly notes: Int32Array;
}

/** Reads a head; a refusal when no application may see it. */
export function readHead(source: HeadSource, rules: HeadRules): RequestHead | Refusal {
  const { text, notes } = source;
  const start = text.charCodeAt(0) === CR && text.charCodeAt(1) === LF ? 2 : 0;
  const urlStart = notes[URL_START] as number;
  const urlEnd = notes[URL_END] as number;
  const method = methodAt(text, start, urlStart - 1);
  if (method === undefined)
    return isToken(text.slice(start, urlStart - 1)) ? REFUSALS.unknownMethod : REFUSALS.badRequestLine;
  const { limits } = rules;
  if (limits.requestLine > 0 && urlEnd - start + VERSION_LENGTH > limits.requestLine) return REFUSALS.targetTooLong;
  const version = versionAt(text, urlEnd);
  if (version === undefined)
    return text.startsWith(" HTTP/", urlEnd) ? REFUSALS.unknownVersion : REFUSALS.badRequestLine;
  const head = new RequestHead(method, text.slice(urlStart, urlEnd), version);
  if (text.length > rules.largestHead) return REFUSALS.headTooLarge;
  return readFields(head, source, rules) ?? checkHead(head) ?? head;
}

function isNamed({ text }: Spelling, name: string): boolean {
  return text.length === name.length && text.toLowerCase() === name;
}

function readFields(head: RequestHead, source: HeadSource, rules: HeadRules): Refusal | undefined {
  const { text, notes } = source;
  const { requestFields, requestFieldSize } = rules.limits;
  const count = notes[COUNT] as number;
  if (requestFields > 0 && count > requestFields) return REFUSALS.tooManyFields;
  let spelling = NO_NAME;
  for (let i = 0, at = FIELDS; i < count; i++, at += 4) {
    const nameStart = notes[at] as number;
    const valueStart = notes[at + 2] as number;
    const blankEnd = notes[at + 3] as number;
    let valueEnd = blankEnd;
    if (requestFieldSize > 0 && valueEnd - nameStart > requestFieldSize) return REFUSALS.fieldTooLarge;
    while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--;
    spelling = spellingAfter(spelling, source, nameStart, notes[at + 1] as number);
    const { name } = spelling;
    const value = name.meaning === HOST ? hostAt(text, valueStart, valueEnd) : text.slice(valueStart, valueEnd);
    if (name.key === "" && rules.refusesUnderscores) return REFUSALS.underscore;
    head.names.push(spelling);
    head.values.push(value);
    if (name.meaning !== 0) {
      // llhttp takes a tab behind a coding for a part of it, and would say so only when the application has the head.
      if (name.meaning === TRANSFER_ENCODING && text.slice(valueEnd, blankEnd).includes("\t"))
        return REFUSALS.badCoding;
      const refusal = readOwn(head, name.meaning, value);
      if (refusal !== undefined) return refusal;
    }
  }
  return undefined;
}

/** A header that says something to the server itself. */
function readOwn(head: RequestHead, meaning: number, value: string): Refusal | undefined {
  switch (meaning) {
    case HOST:
      if (head.host !== undefined) return REFUSALS.noHost;
      head.host = value;
      return undefined;
    case CONTENT_LENGTH:
      head.contentLength = DIGITS.test(value) ? Number(value) : Number.NaN;
      return Number.isSafeInteger(head.contentLength) ? undefined : REFUSALS.badLength;
    case TRANSFER_ENCODING:
      if (head.version !== "1.1" || head.isChunked) return REFUSALS.badCoding;
      head.isChunked = true;
      return readCoding(value);
    case CONNECTION:
      readConnection(head, value);
      return undefined;
    case EXPECT:
      return readExpect(head, value);
    default:
      head.isUpgradeNamed ||= meaning === UPGRADE;
      return undefined;
  }
}

/** Where a request ends is known only when chunked is the last coding, and here it is the only one (RFC 9112 section 6.3). */
function readCoding(value: string): Refusal | undefined {
  const codings = value.toLowerCase();
  if (codings === "chunked") return undefined;
  return LAST_CHUNKED.test(codings) ? REFUSALS.unknownCoding : REFUSALS.badCoding;
}

/** `close` is decisive wherever it stands (RFC 9112 section 9.3). */
function readConnection(head: RequestHead, value: string): void {
  if (value === "keep-alive") {
    if (!head.isCloseAsked) head.keepsAlive = true;
    return;
  }
  for (const option of value.toLowerCase().split(",")) {
    const token = option.trim();
    if (token === "close") head.isCloseAsked = true;
    else if (token === "keep-alive") head.keepsAlive = true;
    else if (token === "upgrade") head.isUpgradeOffered = true;
  }
  if (head.isCloseAsked) head.keepsAlive = false;
}

/** HTTP/1.0 has no expectations: one of it is ignored (RFC 9110 section 10.1.1). */
function readExpect(head: RequestHead, value: string): Refusal | undefined {
  if (head.version === "1.0") return undefined;
  if (value.toLowerCase() !== "100-continue") return REFUSALS.unknownExpectation;
  head.expectsContinue = true;
  return undefined;
}

/** RFC 9112 section 3.2: one Host, and on HTTP/1.1 not none. */
function checkHead(head: RequestHead): Refusal | undefined {
  const { host } = head;
  if (host === undefined) {
    if (head.version === "1.1") return REFUSALS.noHost;
  } else if (!isAuthority(host)) {
    return REFUSALS.badHost;
  }
  if (head.method === "CONNECT") return REFUSALS.unknownMethod;
  return undefined;
}

function versionAt(text: string, at: number): string | undefined {
  if (text.startsWith(" HTTP/1.1\r\n", at)) return "1.1";
  return text.startsWith(" HTTP/1.0\r\n", at) ? "1.0" : undefined;
}

/** Whether it could be the method of another server. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The very common ones are compared first. */
function methodAt(text: string, start: number, end: number): string | undefined {
  if (end - start === 3 && text.startsWith("GET", start)) return "GET";
  if (end - start === 4 && text.startsWith("POST", start)) return "POST";
  return METHODS.get(text.slice(start, end));
}

/** For the same host as before the same string, which is compared at once wherever it is compared again. */
function hostAt(text: string, start: number, end: number): string {
  if (lastHost.length !== end - start || !text.startsWith(lastHost, start)) lastHost = text.slice(start, end);
  return lastHost;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

let lastHost = "";
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const VERSION_LENGTH = " HTTP/1.1".length;
const DIGITS = /^\d+$/;
const LAST_CHUNKED = /,[ \t]*chunked$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The methods of HTTP, without those of other protocols that llhttp knows as well. */
const METHODS = new Map(
  [
    "DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE PATCH QUERY",
    "COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE",
    "M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK",
  ]
    .join(" ")
    .split(" ")
    .map((method) => [method, method]),
);
