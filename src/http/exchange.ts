/**
 * One request on a connection and its response: chooses the framing (RFC 9112 section 6), writes head and body as one
 * piece where it can, and waits with its output until the responses before it are through.
 */

import {
  ClientGone,
  type ConnectionFacts,
  type Exchange,
  type ExchangeWatcher,
  type WholeReader,
} from "../gateway/exchange.ts";
import type { Chunk, Environ } from "../gateway/types.ts";
import type { Connection } from "./connection.ts";
import { LARGE, willBeGarbage } from "./felt-garbage.ts";
import type { Refusal } from "./refusal.ts";
import type { RequestBody } from "./request-body.ts";
import type { Spelling } from "./header-names.ts";
import type { RequestHead } from "./request-head.ts";
import { headText, interimText } from "./response-head.ts";

export class HttpExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  request: RequestHead;
  readonly body: RequestBody | undefined;
  /** Whether the connection may serve another request afterwards. */
  keepsAlive: boolean;
  /** The response is complete, broken or not wanted any more. */
  isOver = false;
  /** The connection shall go without a clean end when this response's turn comes. */
  isBroken = false;
  /** It was answered in the application's place, and whoever sends such a thing may be sending on. */
  wasRefused = false;
  /** When it began, on the engine's clock. */
  readonly begunAt: number;
  isContinueDue: boolean;
  watcher: ExchangeWatcher | undefined;
  /** When it began on the clock of whoever watches the engine. */
  watchedSince = 0;
  /** What has come of a request that could not be read; undefined for one that is a request. */
  unread: string | undefined;
  /** The head of the response as it was sent; "" before. */
  sentHead = "";
  /** Bytes of its body so far. */
  bodyBytes = 0;
  /** The response is complete as far as it is made here; what is of it may still have to be sent. */
  isWhole = false;
  /** Headers, flat, that the response gets where the application sets none of the name. */
  usualHeaders: readonly string[] | undefined;
  readonly #connection: Connection;
  #head: { status: number; reason: string | undefined; headers: string[]; length: number | undefined } | undefined;
  #isChunked = false;
  #wasGone = false;
  /** The connection's end is the end of the body. */
  isEndedByClose = false;
  /** What waits for the responses before this one. */
  #held: Chunk[] | undefined;
  #heldBytes = 0;

  constructor(connection: Connection, request: RequestHead, body: RequestBody | undefined, begunAt: number) {
    this.#connection = connection;
    this.request = request;
    this.method = request.method;
    this.target = request.target;
    this.version = request.version;
    this.keepsAlive = request.keepsAlive;
    this.body = body;
    this.begunAt = begunAt;
    this.isContinueDue = body !== undefined && request.expectsContinue;
  }

  get headers(): readonly string[] {
    return this.request.headers;
  }

  get connection(): ConnectionFacts {
    return this.#connection.facts;
  }

  get isGone(): boolean {
    return this.#wasGone;
  }

  get isInputAtEnd(): boolean {
    return this.body === undefined || this.body.isAtEnd;
  }

  get hasBegun(): boolean {
    return this.sentHead !== "" || this.#head !== undefined;
  }

  /** The headers as environ keys; see `addHeaders` of the gateway for the rules. */
  addHeaders(environ: Environ): void {
    const { names, values } = this.request;
    const keys = environ as unknown as Record<string, string>;
    requestNumber++;
    for (let i = 0; i < names.length; i++) {
      const { name } = names[i] as Spelling;
      if (name.key === "") continue;
      if (name.seenIn === requestNumber || (!name.isShared && keys[name.key] !== undefined)) {
        keys[name.key] += name.separator + (values[i] as string);
      } else {
        name.seenIn = requestNumber;
        keys[name.key] = values[i] as string;
      }
    }
  }

  read(maxBytes: number): Promise<Uint8Array> {
    if (this.body === undefined) return this.#readNothing();
    this.#continue(this.body);
    return this.body.read(maxBytes);
  }

  readToEnd(reader: WholeReader): Promise<Uint8Array> {
    if (this.body === undefined) {
      const nothing = this.#readNothing();
      reader.readEnded(!this.isOver);
      if (this.isOver) nothing.catch(() => {});
      return nothing;
    }
    this.#continue(this.body);
    return this.body.readToEnd(reader);
  }

  earlyHints(headers: readonly string[]): boolean {
    if (this.isOver || this.hasBegun || this.version !== "1.1") return false;
    const hasLink = headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === "link");
    if (hasLink) this.#send(interimText(103, headers), true);
    return hasLink;
  }

  head(status: number, reason: string | undefined, headers: string[], length: number | undefined): void {
    this.#head = { status, reason, headers, length };
  }

  write(chunk: Chunk): boolean {
    if (this.isOver) return true;
    if (this.#connection.front === this) this.#connection.gather();
    const head = this.#takeHead();
    if (!this.#isChunked) return this.#sendAfter(head, chunk);
    const bytes = typeof chunk === "string" && BEYOND_ASCII.test(chunk) ? Buffer.from(chunk) : chunk;
    this.#count(bytes);
    const before = `${head}${bytes.length.toString(16)}\r\n`;
    if (typeof bytes === "string") return this.#send(`${before}${bytes}\r\n`, true);
    if (bytes.length <= SMALL) return this.#send(joined(before, bytes, "\r\n"), true);
    this.#connection.cork();
    this.#send(before, true);
    this.#send(bytes, true);
    const hasRoom = this.#send("\r\n", true);
    this.#connection.uncork();
    return hasRoom;
  }

  end(chunk?: Chunk): void {
    if (this.isOver) return;
    if (this.body !== undefined && !this.body.isComplete) this.#connection.bodyLeft(this);
    const head = this.#takeHead();
    this.isOver = true;
    this.isWhole = true;
    this.body?.leave();
    if (chunk === undefined) {
      if (this.#isChunked) this.#send(`${head}0\r\n\r\n`, true);
      else if (head !== "") this.#send(head, true);
    } else {
      this.#sendAfter(head, chunk);
    }
    this.#connection.replied(this);
  }

  destroy(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.isBroken = true;
    this.body?.leave();
    this.#connection.replied(this);
  }

  refused(status: number, reason: string): void {
    this.keepsAlive = false;
    this.wasRefused = true;
    const connection = this.#connection;
    connection.owner.refused({ status, reason }, connection);
  }

  watch(watcher: ExchangeWatcher): void {
    this.watcher = watcher;
    if (this.#wasGone) process.nextTick(() => watcher.onGone());
  }

  /** Its turn has come: what waited is sent. */
  flush(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#connection.held -= this.#heldBytes;
    let hasRoom = true;
    for (const chunk of held) hasRoom = this.#connection.send(chunk);
    if (hasRoom && !this.isOver) this.watcher?.onDrain();
  }

  /** The client is gone, or has been answered in the application's place. */
  gone(): void {
    if (this.isOver) return;
    this.#wasGone = true;
    this.isOver = true;
    this.body?.fail();
    this.watcher?.onGone();
  }

  /**
   * Answers in the application's place; where that has begun to answer, the reply breaks off. The connection ends with
   * it unless it `mayStay`.
   */
  refuse({ status, reason }: Refusal, mayStay = false): void {
    if (this.isOver) return;
    if (!mayStay) this.keepsAlive = false;
    if (this.hasBegun) this.isBroken = true;
    else this.#sendRefusal(status, reason);
    this.wasRefused = true;
    this.gone();
    this.#connection.replied(this);
  }

  #readNothing(): Promise<Uint8Array> {
    return this.isOver ? Promise.reject(new ClientGone()) : Promise.resolve(EMPTY);
  }

  /** Tells a client that waits for it to send its body. */
  #continue({ received }: RequestBody): void {
    if (!this.isContinueDue || this.isOver || this.hasBegun) return;
    this.isContinueDue = false;
    if (received === 0) this.#send(CONTINUE, true);
  }

  #sendRefusal(status: number, reason: string): void {
    this.isWhole = true;
    const headers = ["Content-Type", "text/plain; charset=utf-8"];
    if (status === 503) headers.push("Retry-After", "1");
    this.head(status, undefined, headers, reason.length + 1);
    const text = this.method === "HEAD" ? "" : `${reason}\n`;
    this.bodyBytes = text.length;
    this.#send(this.#takeHead() + text, true);
  }

  /** The head that is due, as text; "" when it has been sent. */
  #takeHead(): string {
    const head = this.#head;
    if (head === undefined) return "";
    this.#head = undefined;
    if (this.usualHeaders !== undefined) addMissing(head.headers, this.usualHeaders);
    const { status, length } = head;
    let text = headText(status, head.reason, head.headers);
    if (length !== undefined) {
      text += `Content-Length: ${length}\r\n`;
    } else if (status !== 204 && status !== 304 && this.method !== "HEAD") {
      if (this.version === "1.1") {
        text += "Transfer-Encoding: chunked\r\n";
        this.#isChunked = true;
      } else {
        this.isEndedByClose = true;
        this.keepsAlive = false;
      }
    }
    if (!this.keepsAlive || this.#connection.isLastReply()) {
      this.keepsAlive = false;
      text += "Connection: close\r\n\r\n";
    } else {
      text += this.version === "1.1" ? "\r\n" : "Connection: keep-alive\r\n\r\n";
    }
    this.sentHead = text;
    return text;
  }

  #count(piece: Chunk): void {
    this.bodyBytes += piece.length;
    if (this.bodyBytes > LARGE && typeof piece !== "string") willBeGarbage(piece.length);
  }

  /** Sends a piece of the body, with the head before it in one write where that costs less than a second one. */
  #sendAfter(head: string, data: Chunk): boolean {
    const chunk = typeof data === "string" && BEYOND_ASCII.test(data) ? Buffer.from(data) : data;
    this.#count(chunk);
    if (head === "") return this.#send(chunk, true);
    if (typeof chunk === "string") return this.#send(head + chunk, true);
    if (chunk.length <= SMALL) return this.#send(joined(head, chunk, ""), false);
    this.#connection.cork();
    this.#send(head, true);
    const hasRoom = this.#send(chunk, false);
    this.#connection.uncork();
    return hasRoom;
  }

  /** `isLatin1`: of a string each character is one byte; else it is UTF-8. */
  #send(data: Chunk, isLatin1: boolean): boolean {
    const chunk = typeof data === "string" && !isLatin1 && BEYOND_ASCII.test(data) ? Buffer.from(data) : data;
    if (this.#connection.front === this) return this.#connection.send(chunk);
    this.#held ??= [];
    this.#held.push(typeof chunk === "string" ? chunk : Buffer.from(chunk));
    this.#heldBytes += chunk.length;
    this.#connection.held += chunk.length;
    return this.#heldBytes < MOST_HELD;
  }
}

/** Those of `usual` that are not in `headers`, whatever their case there. */
function addMissing(headers: string[], usual: readonly string[]): void {
  for (let i = 0; i < usual.length; i += 2) {
    const name = (usual[i] as string).toLowerCase();
    const isThere = headers.some((other, at) => at % 2 === 0 && other.toLowerCase() === name);
    if (!isThere) headers.push(usual[i] as string, usual[i + 1] as string);
  }
}

function joined(before: string, bytes: Uint8Array, after: string): Buffer {
  const whole = Buffer.allocUnsafe(before.length + bytes.length + after.length);
  whole.write(before, 0, "latin1");
  whole.set(bytes, before.length);
  if (after !== "") whole.write(after, before.length + bytes.length, "latin1");
  return whole;
}

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const EMPTY = new Uint8Array(0);
const BEYOND_ASCII = /[\x80-\uffff]/;
/** Up to here copying is cheaper than a second piece. */
const SMALL = 16_384;
const MOST_HELD = 65_536;
let requestNumber = 0;
