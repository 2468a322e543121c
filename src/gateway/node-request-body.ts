/**
 * The request body of `node:http`, pulled. The stream stays paused and Node stops reading the socket when its buffer
 * is full, so nothing comes faster than it is asked for. A body that broke off rejects and never looks ended.
 */

import type { IncomingMessage } from "node:http";
import { ClientGone, InputLeft } from "./exchange.ts";

export class NodeRequestBody {
  private readonly request: IncomingMessage;
  private bytesRead = 0;
  private isListening = false;
  private isLeft = false;
  private wake: () => void = () => {};

  constructor(request: IncomingMessage) {
    this.request = request;
  }

  /** 1 to `maxBytes` bytes, or an empty chunk at the end. Rejects with `ClientGone` or `InputLeft`. One at a time. */
  async read(maxBytes: number): Promise<Uint8Array> {
    for (;;) {
      // Looked at after each wait: what came meanwhile is not for whoever asked.
      if (this.isLeft) throw new InputLeft();
      const chunk = this.take(maxBytes);
      if (chunk !== undefined) return chunk;
      await this.change();
    }
  }

  /** The application has answered: it gets nothing any more, and a read that is pending rejects. */
  leave(): void {
    this.isLeft = true;
    this.wake();
  }

  /** Takes what is left, up to about `maxBytes`; resolves with whether that was all. Rejects with `ClientGone`. */
  async discard(maxBytes: number): Promise<boolean> {
    let discarded = 0;
    while (discarded <= maxBytes) {
      const chunk = this.take(maxBytes);
      if (chunk === undefined) await this.change();
      else if (chunk.length === 0) return true;
      else discarded += chunk.length;
    }
    return false;
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

  /** What is there; undefined while nothing is. */
  private take(maxBytes: number): Uint8Array | undefined {
    const { request } = this;
    const available = request.readableLength;
    const chunk = available === 0 ? null : (request.read(Math.min(maxBytes, available)) as Buffer | null);
    if (chunk !== null) {
      this.bytesRead += chunk.length;
      return chunk;
    }
    if (request.complete && request.readableLength === 0) return this.finish();
    if (request.destroyed) throw new ClientGone();
    return undefined;
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
