/**
 * The request body of `node:http`, pulled. The stream stays paused and Node stops reading the socket when its buffer
 * is full, so nothing comes faster than it is asked for. A body that broke off rejects and never looks ended.
 */

import type { IncomingMessage } from "node:http";
import { ClientGone } from "./exchange.ts";

export class NodeRequestBody {
  private readonly request: IncomingMessage;
  private bytesRead = 0;
  private isListening = false;
  private wake: () => void = () => {};

  constructor(request: IncomingMessage) {
    this.request = request;
  }

  /** 1 to `maxBytes` bytes, or an empty chunk at the end. Rejects with `ClientGone`. One at a time. */
  async read(maxBytes: number): Promise<Uint8Array> {
    const { request } = this;
    for (;;) {
      const available = request.readableLength;
      const chunk = available === 0 ? null : (request.read(Math.min(maxBytes, available)) as Buffer | null);
      if (chunk !== null) {
        this.bytesRead += chunk.length;
        return chunk;
      }
      if (request.complete && request.readableLength === 0) return this.finish();
      if (request.destroyed) throw new ClientGone();
      await this.change();
    }
  }

  /** Whether all of the body, or a request without one, has been taken from the stream. */
  get isThrough(): boolean {
    const { request } = this;
    if (request.complete && request.readableLength === 0) return true;
    return rawHeader(request, "transfer-encoding") === undefined && this.declaredLength === 0;
  }

  /** Bytes still to come by Content-Length; 0 when that is not known. */
  get left(): number {
    return Math.max(0, this.declaredLength - this.bytesRead);
  }

  private get declaredLength(): number {
    return Number(rawHeader(this.request, "content-length") ?? 0);
  }

  /** Node emits `end`, and is done with the stream, only when it is read beyond its last byte. */
  private finish(): Uint8Array {
    this.request.read();
    return EMPTY;
  }

  private change(): Promise<void> {
    if (!this.isListening) {
      this.isListening = true;
      for (const event of ["readable", "end", "error", "close"]) this.request.on(event, () => this.wake());
    }
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

/** The first value of a header. Node's own `headers` would be made of all of them, for this alone. */
function rawHeader({ rawHeaders }: IncomingMessage, wanted: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === wanted.length && name.toLowerCase() === wanted) return rawHeaders[i + 1];
  }
  return undefined;
}

const EMPTY = new Uint8Array(0);
