/**
 * When a slot whose worker ended abnormally may be filled again: at once, then after 1, 2, 4 … 30 s ± 20 %; a worker
 * that was ready for 60 s resets it. Pure: the past and a random number in, the future out.
 */

import { type SlotHistory } from "./model.ts";

export const FRESH_SLOT: SlotHistory = { failures: 0, backoffs: 0, notBefore: 0 };

/** A worker that stayed ready for this long was stable. */
export const STABLE_AFTER_MS = 60_000;

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
const JITTER = 0.2;

/**
 * The slot's history after an abnormal end.
 * @param readyForMs how long the worker had been ready, 0 if never
 * @param random a number in [0, 1)
 */
export function afterAbnormalEnd(history: SlotHistory, readyForMs: number, now: number, random: number): SlotHistory {
  const before = readyForMs >= STABLE_AFTER_MS ? FRESH_SLOT : history;
  const delayMs = respawnDelayMs(before.failures, random);
  return {
    failures: before.failures + 1,
    backoffs: before.backoffs + (delayMs > 0 ? 1 : 0),
    notBefore: now + delayMs,
  };
}

/** Whether a slot has backed off at least twice since it was last stable. */
export function isSlotDegraded(history: SlotHistory): boolean {
  return history.backoffs >= 2;
}

function respawnDelayMs(failures: number, random: number): number {
  if (failures === 0) return 0;
  const nominal = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS);
  return nominal * (1 - JITTER + 2 * JITTER * random);
}
