/**
 * How many lines a crash loop may write: ten a minute for each slot that has failed; what is above goes to the debug
 * level, and the next line that is written says how many there were. A slot without failures has no limit.
 */

import type { LogFields, WriteRecord } from "../logger.ts";
import type { LogLevel } from "../config/types.ts";

const LINES = 10;
const WINDOW_MS = 60_000;

interface Spending {
  /** When the lines of the last minute were written. */
  readonly writtenAt: number[];
  heldBack: number;
}

export class LogBudget {
  readonly #slots = new Map<number, Spending>();
  readonly #write: WriteRecord;

  constructor(write: WriteRecord) {
    this.#write = write;
  }

  /**
   * Writes a record about a worker of `slot`.
   * @param hasFailed whether the slot's last worker ended abnormally and no other has been stable since
   * @param now a monotonic instant in milliseconds
   * @param isLesser it leaves half of the lines to others
   */
  write(
    slot: number,
    hasFailed: boolean,
    now: number,
    level: LogLevel,
    msg: string,
    fields: LogFields,
    isLesser = false,
  ): void {
    if (!hasFailed) {
      this.#slots.delete(slot);
      return this.#write(level, msg, fields);
    }
    const spending = this.#spendingOf(slot, now);
    if (spending.writtenAt.length >= (isLesser ? LINES / 2 : LINES)) {
      spending.heldBack++;
      return this.#write("debug", msg, fields);
    }
    spending.writtenAt.push(now);
    const { heldBack } = spending;
    spending.heldBack = 0;
    this.#write(level, msg, heldBack === 0 ? fields : { ...fields, heldBack });
  }

  #spendingOf(slot: number, now: number): Spending {
    const spending = this.#slots.get(slot) ?? { writtenAt: [], heldBack: 0 };
    this.#slots.set(slot, spending);
    while ((spending.writtenAt[0] ?? now) + WINDOW_MS <= now) spending.writtenAt.shift();
    return spending;
  }
}
