/**
 * What a connection has read and cannot serve yet: as many requests as may be are in flight, or the connection is to be
 * handed over to another protocol when the replies that are due are sent. Beyond that nothing more is read.
 */

import { INPUT_SIZE } from "./llhttp.ts";
import { ReplyLine } from "./reply-line.ts";
import type { Takeover } from "./upgrades.ts";

export abstract class ReadAhead extends ReplyLine {
  /** More of a body has come behind its reply than is waited for. */
  protected isRestTooLarge = false;
  /** Takes the connection when the replies before are through; what comes until then waits. */
  protected takeover: Takeover | undefined;

  /** Bytes came, of a socket that does not read into `INPUT` itself. */
  abstract take(bytes: Uint8Array): void;

  /** The connection is nobody's any more but whoever takes it over. */
  protected abstract release(): void;

  roomMade(): void {
    if (this.isPaused && this.rest === undefined && !this.isClosed) {
      this.isPaused = false;
      this.socket.resume();
    }
  }

  awaited(): void {
    this.patience.bodyAwaited(this.owner.now);
    this.roomMade();
  }

  /** Keeps what cannot be read yet. */
  protected keep(bytes: Uint8Array): void {
    this.rest = this.rest === undefined ? Buffer.from(bytes) : Buffer.concat([this.rest, bytes]);
    this.pauseIfFull();
  }

  protected pauseIfFull(): void {
    if (this.isRestTooLarge && this.front === undefined) return this.linger();
    const isFull = this.#isRestEnough || this.incoming?.body?.isFull === true;
    if (!isFull || this.isPaused || this.isLingering || this.isClosed) return;
    this.isPaused = true;
    this.socket.pause();
  }

  protected override isFull(): boolean {
    return this.takeover !== undefined || super.isFull();
  }

  protected override answered(): void {
    this.patience.idle(this.owner.now);
    if (this.takeover === undefined) return;
    // What was sent is the client's before anybody else writes.
    if (this.hasUnsent) this.socket.write("", () => this.#handOver());
    else process.nextTick(() => this.#handOver());
  }

  protected override takeRest(): void {
    const rest = this.rest;
    if (rest === undefined || this.isClosed) return;
    this.rest = undefined;
    this.take(rest);
    this.roomMade();
  }

  /** Of a connection that is to be handed over more is read, to see whether its client is still there. */
  get #isRestEnough(): boolean {
    return this.rest !== undefined && (this.takeover === undefined || this.rest.length >= INPUT_SIZE);
  }

  #handOver(): void {
    const { takeover, rest } = this;
    if (takeover === undefined || rest === undefined || this.isClosed || this.socket.destroyed) return;
    this.takeover = undefined;
    this.rest = undefined;
    this.isThrough = true;
    this.release();
    takeover(rest);
  }
}
