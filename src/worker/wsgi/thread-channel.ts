/**
 * The worker's end of the channel to one thread of the interpreter. Calls run one after another, and their frames are
 * handed to the one whose turn it is; a few more may be on their way already, so that the thread need not wait for them,
 * and several leave or come in one read.
 */

import type { Socket } from "node:net";
import type { Environ } from "../../gateway/index.ts";
import * as frames from "./frames.ts";
import type { PythonCall } from "./python-call.ts";
import { type FilePlace, openFile } from "./python-file.ts";
import { PythonError, type PythonErrorReport } from "./python-error.ts";

export interface ChannelEvents {
  /** It can be given the next call. */
  free(channel: ThreadChannel): void;
  /** A line that was written to `wsgi.errors`. */
  wrote(text: string, environ: Environ | undefined): void;
  /** An error after the response was complete. */
  failedLate(error: Error, environ: Environ | undefined): void;
}

export class ThreadChannel {
  readonly #socket: Socket;
  readonly #events: ChannelEvents;
  readonly #window: number;
  readonly #pid: number;
  readonly #reader = new frames.FrameReader((kind, payload) => this.#take(kind, payload));
  readonly #calls: PythonCall[] = [];
  /** Frames that leave together, with the end of a read or of this turn of the loop. */
  #pending = "";
  #isReading = false;
  #isFlushDue = false;
  #count = 0;
  /** Of the call whose turn was before: of its thread something may still come. */
  #lastNumber = 0;
  #lastEnviron: Environ | undefined;

  /** @param pid of the interpreter */
  constructor(socket: Socket, window: number, events: ChannelEvents, pid: number) {
    this.#pid = pid;
    this.#socket = socket;
    this.#window = window;
    this.#events = events;
    socket.on("data", (data) => this.#read(data));
    // What breaks the channel is the end of the interpreter, which is noticed elsewhere.
    socket.on("error", () => {});
  }

  /** The call that the thread is at. */
  get call(): PythonCall | undefined {
    return this.#calls[0];
  }

  /** How many it has been given and has not answered. */
  get size(): number {
    return this.#calls.length;
  }

  begin(call: PythonCall): void {
    this.#count = (this.#count + 1) >>> 0;
    if (this.#calls.push(call) === 1) call.isNext();
    call.begin(this, this.#window, this.#count);
  }

  /** Text goes at once only to a thread that has nothing else to do. */
  write(data: string | Uint8Array): void {
    if (typeof data !== "string") {
      this.#flush();
      if (this.#socket.writable) this.#socket.write(data);
      return;
    }
    this.#pending += data;
    if (this.#isReading || this.#isFlushDue) return;
    if (this.#calls.length < 2) return this.#flush();
    this.#isFlushDue = true;
    setImmediate(() => this.#flush());
  }

  /** Lets the thread come to its end. */
  close(): void {
    this.#flush();
    this.#socket.end();
  }

  /** The interpreter is gone: fails the call that it was at; those whose turn had not come are returned. */
  fail(error: Error): readonly PythonCall[] {
    const [call, ...others] = this.#calls.splice(0);
    call?.failed(error);
    return others;
  }

  /** What its frames make ready for the thread leaves in one write, before the replies go on to their clients. */
  #read(data: Buffer): void {
    this.#isReading = true;
    try {
      this.#reader.push(data);
    } finally {
      this.#isReading = false;
      this.#flush();
    }
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    if (this.#socket.writable) this.#socket.write(text, "latin1");
  }

  #take(kind: number, payload: Buffer): void {
    const call = this.#calls[0];
    switch (kind) {
      case frames.REPLY:
        this.#over();
        return call?.reply(payload);
      case frames.HEAD:
        return call?.head(payload);
      case frames.CHUNK:
        return call?.chunk(payload);
      case frames.END:
        this.#over();
        return call?.end();
      case frames.FILE:
        return call && void this.#open(call, payload);
      case frames.NEED:
        return void call?.need(payload.readUInt32LE(0));
      case frames.FAILED:
        this.#over();
        return call?.failed(errorOf(payload));
      case frames.ERRORS:
        return this.#events.wrote(JSON.parse(payload.toString("latin1", 4)) as string, this.#environOf(payload));
      case frames.REPORT:
        return this.#events.failedLate(errorOf(payload.subarray(4)), this.#environOf(payload));
    }
  }

  /** The rest of the reply is a file: the thread is through with it, if it can be read here. */
  async #open(call: PythonCall, payload: Buffer): Promise<void> {
    const headEnd = 4 + payload.readUInt32LE(0);
    const head = payload.toString("latin1", 4, headEnd);
    const place = JSON.parse(payload.toString("latin1", headEnd)) as FilePlace;
    call.waits();
    const body = await openFile(this.#pid, place);
    // The interpreter may have ended meanwhile.
    if (this.#calls[0] !== call) return body?.close();
    const answer = frames.header(frames.OPENED, 5) + frames.number(call.number);
    this.write(answer + String.fromCharCode(body === undefined ? 0 : 1));
    if (body === undefined) return call.goesOn();
    this.#over();
    call.file(head, body);
  }

  /** The next call is on its way before the reply of this one is dealt with. */
  #over(): void {
    const last = this.#calls.shift();
    this.#lastNumber = last?.number ?? 0;
    this.#lastEnviron = last?.environ;
    const [next] = this.#calls;
    next?.isNext();
    this.#events.free(this);
  }

  /** Of the call that a frame names by its number; none of one that is long over. */
  #environOf(payload: Buffer): Environ | undefined {
    const number = payload.readUInt32LE(0);
    if (number === this.#lastNumber) return this.#lastEnviron;
    return this.#calls.find((call) => call.number === number)?.environ;
  }
}

function errorOf(payload: Buffer): PythonError {
  return new PythonError(JSON.parse(payload.toString("latin1")) as PythonErrorReport);
}
