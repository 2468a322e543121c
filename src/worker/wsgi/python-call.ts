/**
 * One request on its way through Python, seen from the worker: what is sent to the thread that runs it, and what comes
 * back, turned into the gateway's startResponse and body. Knows no queue and no process.
 */

import type { Body, Environ, FileBody, StartResponse } from "../../gateway/index.ts";
import type { BodyShare } from "./body-budget.ts";
import { environText } from "./environ-text.ts";
import * as frames from "./frames.ts";
import { PythonError, type PythonErrorReport } from "./python-error.ts";
import { ReplyBody } from "./reply-body.ts";

/** The way to the thread that runs the call. */
export interface CallLine {
  write(data: string | Uint8Array): void;
}

/** What a request's body is when its call begins. */
export interface FirstInput {
  readonly bytes: Buffer | undefined;
  readonly isWhole: boolean;
  /** Of the worker's budget, held until the bytes have gone on. */
  readonly share?: BodyShare;
}

export class PythonCall {
  readonly environ: Environ;
  readonly queuedAt = performance.now();
  /** When the thread had nothing else to do. */
  begunAt = 0;
  /** Since when the thread has been at it without a word, while nothing of the client is waited for. */
  silentSince = Infinity;
  readonly #startResponse: StartResponse;
  readonly #resolve: (body: Body) => void;
  readonly #reject: (error: unknown) => void;
  readonly #input: FirstInput;
  #line: CallLine | undefined;
  /** By which both sides know it. */
  number = 0;
  #body: ReplyBody | undefined;
  #owed = 0;
  #window = 0;
  /** Sent by Python and not yet taken by the client. */
  #held = 0;

  constructor(
    environ: Environ,
    input: FirstInput,
    startResponse: StartResponse,
    resolve: (body: Body) => void,
    reject: (error: unknown) => void,
  ) {
    this.environ = environ;
    this.#input = input;
    this.#startResponse = startResponse;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Sends the request. `window`: how much of the reply Python may send before the client has taken it. */
  begin(line: CallLine, window: number, number: number): void {
    this.#line = line;
    this.#window = window;
    this.number = number;
    const { text, isJson } = environText(this.environ);
    const environ = isJson ? Buffer.from(text, "utf8").toString("latin1") : text;
    const { bytes, isWhole } = this.#input;
    const flags = (isJson ? frames.AS_JSON : 0) | (isWhole ? 0 : frames.HAS_MORE);
    const size = 9 + environ.length + (bytes?.length ?? 0);
    const about = `${String.fromCharCode(flags)}${frames.number(number)}${frames.number(environ.length)}`;
    const head = frames.header(frames.REQUEST, size) + about;
    if (bytes === undefined) line.write(head + environ);
    else line.write(Buffer.concat([Buffer.from(head + environ, "latin1"), bytes]));
    this.#input.share?.release();
  }

  /** From now on the thread has nothing else to do. */
  isNext(): void {
    this.begunAt = this.silentSince = performance.now();
  }

  /** Python's silence of `ms` that have passed counts for nothing. */
  postpone(ms: number): void {
    this.silentSince = Math.min(this.silentSince + ms, Math.max(this.silentSince, performance.now()));
  }

  /** Whether the thread waits for the client, to send or to take something. */
  get waitsForClient(): boolean {
    return this.silentSince === Infinity || this.#held > this.#window / 2;
  }

  reply(payload: Buffer): void {
    const size = payload.readUInt32LE(0);
    const body = payload.subarray(4 + size);
    if (this.#start(payload.toString("latin1", 4, 4 + size))) this.#resolve(body.length === 0 ? [] : [body]);
  }

  /** The thread waits for this process. */
  waits(): void {
    this.silentSince = Infinity;
  }

  /** And no longer. */
  goesOn(): void {
    this.silentSince = performance.now();
  }

  /** The whole reply: its body is read here. */
  file(head: string, body: FileBody): void {
    this.#line = undefined;
    if (this.#start(head)) this.#resolve(body);
    else void body.close();
  }

  head(payload: Buffer): void {
    this.silentSince = performance.now();
    this.#body = new ReplyBody(this.#taken, this.#left);
    if (this.#start(payload.toString("latin1"))) this.#resolve(this.#body);
    else this.#left();
  }

  chunk(payload: Buffer): void {
    this.silentSince = performance.now();
    this.#held += payload.length;
    this.#body?.push(payload);
  }

  /** The thread is through with it; or its turn never came, because nobody waits for it. */
  end(): void {
    this.#line = undefined;
    this.#input.share?.release();
    this.#body?.end();
    // Only a call that was given up ends without a head.
    if (this.#body === undefined) this.#reject(new PythonError(NO_REPLY));
  }

  failed(error: Error): void {
    this.#line = undefined;
    this.#input.share?.release();
    if (this.#body === undefined) this.#reject(error);
    else this.#body.end({ error });
  }

  /** The thread asks for more of the request's body. */
  async need(maxBytes: number): Promise<void> {
    const line = this.#line;
    this.waits();
    try {
      const data = await this.environ["gateway.input"].read(maxBytes);
      if (this.#line !== line) return;
      line?.write(frames.header(frames.INPUT, 4 + data.length) + frames.number(this.number));
      if (data.length > 0) line?.write(data);
    } catch {
      if (this.#line === line) this.#left();
    }
    this.goesOn();
  }

  #start(head: string): boolean {
    const [status = "", ...fields] = head.split("\0");
    const headers: [string, string][] = [];
    for (let i = 0; i < fields.length; i += 2) headers.push([fields[i] as string, fields[i + 1] as string]);
    try {
      this.#startResponse(status, headers);
      return true;
    } catch (error) {
      this.#reject(error);
      return false;
    }
  }

  readonly #taken = (bytes: number): void => {
    this.#held -= bytes;
    this.#owed += bytes;
    if (this.#line === undefined || this.#owed < this.#window / 4) return;
    this.#line.write(frames.header(frames.CREDIT, 8) + frames.number(this.number) + frames.number(this.#owed));
    this.#owed = 0;
  };

  readonly #left = (): void => {
    this.#line?.write(frames.header(frames.GONE, 4) + frames.number(this.number));
  };
}

const NO_REPLY: PythonErrorReport = {
  name: "ClientGone",
  message: "the client closed the connection before the response was complete",
  traceback: "",
};
