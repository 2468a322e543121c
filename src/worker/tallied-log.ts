/**
 * Log records of what can happen thousands of times a second: the first is told soon, those that follow are counted and
 * told together, at most every ten seconds a kind. Holds no timer; whoever looks around anyway tells it to.
 */

import type { LogFields } from "../logger.ts";

const PAUSE_MS = 10_000;

interface Tally {
  readonly fields: LogFields;
  count: number;
  toldAt: number;
  latest: LogFields;
}

export class TalliedLog {
  readonly #log: (fields: LogFields) => void;
  readonly #tallies = new Map<string, Tally>();

  /** @param log writes a record; its fields are those of the kind, `count`, and those of the latest event */
  constructor(log: (fields: LogFields) => void) {
    this.#log = log;
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
    for (const tally of this.#tallies.values()) {
      if (tally.count === 0 || now - tally.toldAt < PAUSE_MS) continue;
      this.#log({ ...tally.fields, count: tally.count, ...tally.latest });
      tally.count = 0;
      tally.toldAt = now;
    }
  }
}
