/**
 * The clock by which clients are judged. It stands still while the worker does: when the loop was blocked, or the
 * process stopped, what clients sent meanwhile lies unread, and that time is not theirs. Never goes back.
 */

/** A turn may be late by as much again as it should take; what is beyond that was no time for anybody. */
const TOLERANCE = 2;

export class CoarseClock {
  readonly #read: () => number;
  /** What it showed at the last turn, and what the real clock did. */
  #time = 0;
  #turnedAt: number;
  #longestMs = Infinity;

  constructor(read: () => number = () => performance.now()) {
    this.#read = read;
    this.#turnedAt = read();
  }

  /** Milliseconds. */
  get now(): number {
    return this.#time + Math.min(this.#read() - this.#turnedAt, this.#longestMs);
  }

  /** Called by whoever turns the loop; the next call is due in `nextMs`. Returns the time. */
  turn(nextMs: number): number {
    this.#time = this.now;
    this.#turnedAt = this.#read();
    this.#longestMs = nextMs * TOLERANCE;
    return this.#time;
  }
}
