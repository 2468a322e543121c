/**
 * Log records of what can happen thousands of times a second: the first is told soon, those that follow are counted and
 * told together, at most every ten seconds a kind, and no more than so many records a minute of all kinds. Holds no
 * timer; whoever looks around anyway tells it to.
 */

import type { LogFields } from "../logger.ts";

const PAUSE_MS = 10_000;
const MINUTE_MS = 60_000;

interface Tally {
  readonly fields: LogFields;
  count: number;
  toldAt: number;
  latest: LogFields;
}

export class TalliedLog {
  readonly #log: (fields: LogFields) => void;
  readonly #mostAMinute: number;
  readonly #tallies = new Map<string, Tally>();
  #minuteEndsAt = -Infinity;
  #told = 0;

  /**
   * @param log writes a record; its fields are those of the kind, `count`, and those of the latest event
   * @param mostAMinute records of all kinds; what is beyond them is told later
   */
  constructor(log: (fields: LogFields) => void, mostAMinute = Infinity) {
    this.#log = log;
    this.#mostAMinute = mostAMinute;
  }

  /** It has happened; `fields` are the same for all events of `kind`, `latest` are this one's. */
  count(kind: string, fields: LogFields, latest: LogFields = {}): void {
    let tally = this.#tallies.get(kind);
    if (tally === undefined) {
      tally = { fields, count: 0, toldAt: -Infinity, latest };
      this.#tallies.set(kind, tally);
    }
    tally.count++;
    tally.latest = latest;
  }

  /** Tells what is due at `now`, in milliseconds. */
  tell(now: number): void {
    if (now >= this.#minuteEndsAt) {
      this.#minuteEndsAt = now + MINUTE_MS;
      this.#told = 0;
    }
    for (const tally of this.#tallies.values()) {
      if (tally.count === 0 || now - tally.toldAt < PAUSE_MS) continue;
      if (this.#told === this.#mostAMinute) return;
      this.#told++;
      this.#log({ ...tally.fields, count: tally.count, ...tally.latest });
      tally.count = 0;
      tally.toldAt = now;
    }
  }
}
