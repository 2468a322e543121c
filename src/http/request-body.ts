/**
 * The body of one request, pulled by the application and filled by the connection. Holds at most a little more than one
 * read; beyond that the connection stops reading. A body that broke off rejects and never looks ended.
 */

import { ClientGone, InputLeft, type WholeReader } from "../gateway/exchange.ts";
import { LARGE, willBeGarbage } from "./felt-garbage.ts";

/** Who fills it. */
export interface BodySource {
  /** There is room again. */
  roomMade(): void;
  /** Somebody has begun to wait for bytes. */
  awaited(): void;
}

/** A read that is pending; of one to the end, what it has so far. */
interface Waiting {
  readonly maxBytes: number;
  readonly whole: Uint8Array[] | undefined;
  readonly resolve: (chunk: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly reader: WholeReader | undefined;
  promise: Promise<Uint8Array> | undefined;
}

export class RequestBody {
  /** All of it has come. */
  isComplete = false;
  /** Bytes that have come, and that were discarded of them. */
  received = 0;
  discarded = 0;
  readonly #source: BodySource;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #failure: Error | undefined;
  #isLeft = false;
  #waiting: Waiting | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Whether enough of it waits to be read. */
  get isFull(): boolean {
    return this.#size >= ENOUGH;
  }

  /** Whether all of it has come and been read. */
  get isAtEnd(): boolean {
    return this.isComplete && this.#size === 0 && !this.#isLeft;
  }

  get isAwaited(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether nobody reads it any more. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Takes a copy of bytes that have come. */
  push(bytes: Uint8Array): void {
    this.received += bytes.length;
    if (this.#isLeft || this.#failure !== undefined) {
      this.discarded += bytes.length;
      return;
    }
    this.#chunks.push(Buffer.from(bytes));
    if (this.received > LARGE) willBeGarbage(bytes.length);
    this.#size += bytes.length;
    this.#serve();
    joinSmall(this.#chunks);
  }

  finish(): void {
    this.isComplete = true;
    this.#serve();
  }

  /** No more of it will come. What is there already can still be read. */
  fail(error: Error = new ClientGone()): void {
    if (this.isComplete || this.#failure !== undefined) return;
    this.#failure = error;
    this.#serve();
  }

  /** 1 to `maxBytes` bytes; an empty chunk at the end. One at a time. */
  read(maxBytes: number): Promise<Uint8Array> {
    return this.#wait(maxBytes, undefined, undefined);
  }

  /** All that is left of it. One read at a time. With a `reader`, who is told, nobody has to handle a rejection. */
  readToEnd(reader?: WholeReader): Promise<Uint8Array> {
    return this.#wait(Infinity, [], reader);
  }

  /** The application has answered: it gets nothing any more, and a read that is pending rejects. */
  leave(): void {
    this.#isLeft = true;
    this.discarded += this.#size;
    this.#chunks = [];
    this.#size = 0;
    this.#serve();
  }

  #wait(maxBytes: number, whole: Uint8Array[] | undefined, reader: WholeReader | undefined): Promise<Uint8Array> {
    const promise = new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting = { maxBytes, whole, reader, resolve, reject, promise: undefined };
    });
    (this.#waiting as unknown as Waiting).promise = promise;
    this.#serve();
    if (this.#waiting !== undefined) this.#source.awaited();
    return promise;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const { whole } = waiting;
    if (whole !== undefined) this.#gather(whole);
    if (this.#isLeft) {
      this.#refuse(waiting, new InputLeft());
    } else if (this.#size > 0) {
      this.#waiting = undefined;
      waiting.resolve(this.#take(waiting.maxBytes));
    } else if (this.isComplete) {
      this.#waiting = undefined;
      waiting.reader?.readEnded(true);
      waiting.resolve(whole === undefined || whole.length === 0 ? EMPTY : joined(whole));
    } else if (this.#failure !== undefined) {
      this.#refuse(waiting, this.#failure);
    }
  }

  #refuse({ reject, reader, promise }: Waiting, error: Error): void {
    this.#waiting = undefined;
    if (reader !== undefined) promise?.catch(() => {});
    reader?.readEnded(false);
    reject(error);
  }

  /** Takes what is there for a read of the whole. */
  #gather(whole: Uint8Array[]): void {
    while (this.#size > 0 && !this.#isLeft) whole.push(this.#take(Infinity));
    joinSmall(whole);
  }

  #take(maxBytes: number): Uint8Array {
    const wasFull = this.isFull;
    const first = this.#chunks[0] as Uint8Array;
    const chunk = first.length <= maxBytes ? first : first.subarray(0, maxBytes);
    if (this.#chunks.length === 1 && chunk === first) this.#chunks.pop();
    else if (chunk === first) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(maxBytes);
    this.#size -= chunk.length;
    if (wasFull && !this.isFull) this.#source.roomMade();
    return chunk;
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/** Makes one of the last chunks where they are many and small: an object for each byte would take far more than the byte. */
function joinSmall(chunks: Uint8Array[]): void {
  const from = chunks.length - MANY;
  if (from >= 0 && isSmall(chunks[from]) && isSmall(chunks.at(-1))) chunks.push(Buffer.concat(chunks.splice(from)));
}

function isSmall(chunk: Uint8Array | undefined): boolean {
  return chunk !== undefined && chunk.length < SMALL;
}

const ENOUGH = 65_536;
const SMALL = 512;
const MANY = 64;
const EMPTY = new Uint8Array(0);
