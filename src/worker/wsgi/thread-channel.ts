/**
 * The worker's end of the channel to one thread of the interpreter: one call at a time, its frames handed to it. Reads
 * and writes of a simple request are one each.
 */

import type { Socket } from "node:net";
import type { Environ } from "../../gateway/index.ts";
import * as frames from "./frames.ts";
import type { PythonCall } from "./python-call.ts";
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
  readonly #reader = new frames.FrameReader((kind, payload) => this.#take(kind, payload));
  #call: PythonCall | undefined;
  /** Of the call that was last begun. */
  #environ: Environ | undefined;

  constructor(socket: Socket, window: number, events: ChannelEvents) {
    this.#socket = socket;
    this.#window = window;
    this.#events = events;
    socket.on("data", (data) => this.#reader.push(data));
    // What breaks the channel is the end of the interpreter, which is noticed elsewhere.
    socket.on("error", () => {});
  }

  get call(): PythonCall | undefined {
    return this.#call;
  }

  begin(call: PythonCall): void {
    this.#call = call;
    this.#environ = call.environ;
    call.begin(this, this.#window);
  }

  write(data: string | Uint8Array): void {
    if (!this.#socket.writable) return;
    if (typeof data === "string") this.#socket.write(data, "latin1");
    else this.#socket.write(data);
  }

  /** Lets the thread come to its end. */
  close(): void {
    this.#socket.end();
  }

  /** The interpreter is gone. */
  fail(error: Error): void {
    const call = this.#call;
    this.#call = undefined;
    call?.failed(error);
  }

  #take(kind: number, payload: Buffer): void {
    const call = this.#call;
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
      case frames.NEED:
        return void call?.need(payload.readUInt32LE(0));
      case frames.FAILED:
        this.#over();
        return call?.failed(errorOf(payload));
      case frames.ERRORS:
        return this.#events.wrote(JSON.parse(payload.toString("latin1")) as string, this.#environ);
      case frames.REPORT:
        return this.#events.failedLate(errorOf(payload), this.#environ);
    }
  }

  /** The next call is on its way before the reply of this one is dealt with. */
  #over(): void {
    this.#call = undefined;
    this.#events.free(this);
  }
}

function errorOf(payload: Buffer): PythonError {
  return new PythonError(JSON.parse(payload.toString("latin1")) as PythonErrorReport);
}
