/**
 * What workers write to their standard output and error, as lines. However much they write, the master spends a bounded
 * part of its time on it, and they take turns: a stream whose lines are not all delivered is not read meanwhile, so
 * that its writer waits or keeps what it has. Nothing is dropped.
 */

import type { Readable } from "node:stream";
import { type OutputLine, OutputLines } from "./output-lines.ts";

/** Lines, or as much in bytes, that are delivered in a window of time: a fifth of it, at the most. */
const LINES_A_WINDOW = 200;
const BYTES_A_LINE = 512;
const WINDOW_MS = 10;
/** How often a target is looked at that cannot take more. */
const HOLD_MS = 20;

interface Source {
  readonly stream: Readable;
  readonly lines: OutputLines;
  readonly deliver: (line: OutputLine) => void;
  readonly delivered: () => void;
  hasEnded: boolean;
}

export class OutputPump {
  /** Those with something to do, in the order of their turns. */
  readonly #waiting = new Set<Source>();
  #timer: NodeJS.Timeout | undefined;
  #windowEndsAt = 0;
  #budget = 0;
  #mustHold: () => boolean = () => false;

  /** Delivers nothing while `mustHold` says so: whoever takes the lines cannot take more. */
  holdWhile(mustHold: () => boolean): void {
    this.#mustHold = mustHold;
  }

  /** Delivers the lines of `stream`. Resolves when it has ended and the last one is delivered. */
  async read(stream: Readable, deliver: (line: OutputLine) => void): Promise<void> {
    await new Promise<void>((delivered) => {
      const source: Source = { stream, lines: new OutputLines(), deliver, delivered, hasEnded: false };
      stream.on("data", (chunk: Buffer) => {
        stream.pause();
        source.lines.push(chunk);
        this.#add(source);
      });
      // After an end; alone after an error.
      stream.once("close", () => {
        source.hasEnded = true;
        this.#add(source);
      });
      stream.on("error", () => {});
    });
  }

  #add(source: Source): void {
    this.#waiting.add(source);
    if (this.#timer === undefined) this.#turn();
  }

  #turn(): void {
    this.#timer = undefined;
    const now = performance.now();
    if (this.#mustHold()) return this.#later(HOLD_MS);
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW_MS;
      this.#budget = LINES_A_WINDOW;
    }
    for (const source of this.#waiting) {
      if (this.#budget <= 0) return this.#later(this.#windowEndsAt - now);
      this.#waiting.delete(source);
      // Behind the others again, unless it has no more: a set is gone through in the order of its additions.
      if (this.#deliverOne(source)) this.#waiting.add(source);
    }
  }

  /** False when the source has nothing to do until more comes. */
  #deliverOne({ stream, lines, deliver, delivered, hasEnded }: Source): boolean {
    const line = lines.next() ?? (hasEnded ? lines.last() : undefined);
    if (line !== undefined) {
      this.#budget -= Math.max(1, line.text.length / BYTES_A_LINE);
      deliver(line);
      return true;
    }
    if (hasEnded) delivered();
    else stream.resume();
    return false;
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.#turn(), ms);
  }
}
