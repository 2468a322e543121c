/** What is remembered of each slot: how its workers have failed since one of them was last stable. */

import type { SlotHistory } from "./model.ts";
import { afterAbnormalEnd, FRESH_SLOT, isSlotDegraded } from "./restart-policy.ts";

export class Slots {
  readonly #histories = new Map<number, SlotHistory>();

  of(slot: number): SlotHistory {
    return this.#histories.get(slot) ?? FRESH_SLOT;
  }

  /** Its worker has ended abnormally; see `afterAbnormalEnd`. */
  failed(slot: number, readyForMs: number, now: number, random: number): void {
    this.#histories.set(slot, afterAbnormalEnd(this.of(slot), readyForMs, now, random));
  }

  /** Its worker is stable. */
  forget(slot: number): void {
    this.#histories.delete(slot);
  }

  clear(): void {
    this.#histories.clear();
  }

  /** Those that have backed off at least twice since they were last stable. */
  degraded(): number[] {
    return [...this.#histories].filter(([, history]) => isSlotDegraded(history)).map(([slot]) => slot);
  }
}
