/** Makes lines of entries, and instants of the wall clock for them. */

import type { AccessEntry, FormatLine } from "../../observe/access-entry.ts";

/** How often the wall clock is looked at: it may be set. */
const CLOCK_EVERY_MS = 1000;

export class LineWriter {
  readonly #format: FormatLine;
  readonly #add: (line: string) => void;
  /** What the monotonic clock lacks to the wall clock, and when that has to be looked up again. */
  #clockOffset = 0;
  #clockUntil = 0;

  constructor(format: FormatLine, add: (line: string) => void) {
    this.#format = format;
    this.#add = add;
  }

  write(entry: AccessEntry): void {
    this.#add(this.#format(entry));
  }

  /** An instant of the monotonic clock in milliseconds since the epoch. */
  epoch(now: number): number {
    if (now >= this.#clockUntil) {
      this.#clockUntil = now + CLOCK_EVERY_MS;
      this.#clockOffset = Date.now() - now;
    }
    return now + this.#clockOffset;
  }
}
