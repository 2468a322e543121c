import { describe, expect, it } from "vitest";
import { afterAbnormalEnd, FRESH_SLOT, isSlotDegraded } from "../../../src/master/restart-policy.ts";
import type { SlotHistory } from "../../../src/master/model.ts";

const MIDDLE = 0.5;

/** The delays of `count` ends in a row, each `readyForMs` after its start. */
function delays(count: number, readyForMs: number, random = MIDDLE): number[] {
  let history: SlotHistory = FRESH_SLOT;
  return Array.from({ length: count }, (_, index) => {
    const now = index * 100_000;
    history = afterAbnormalEnd(history, readyForMs, now, random);
    return history.notBefore - now;
  });
}

describe("the delay before a crashed slot is filled again", () => {
  it("is none at first, then doubles from 1 s up to 30 s", () => {
    expect(delays(8, 0)).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("varies by a fifth either way", () => {
    expect(delays(3, 0, 0)).toEqual([0, 800, 1600]);
    expect(delays(2, 0, 0.999_999)[1]).toBeCloseTo(1200, 0);
  });

  it("starts anew after a worker that was ready for 60 s, and not for less", () => {
    expect(delays(4, 60_000)).toEqual([0, 0, 0, 0]);
    expect(delays(4, 59_999)).toEqual([0, 1000, 2000, 4000]);
  });

  it("makes a slot degraded once it has waited twice", () => {
    let history = FRESH_SLOT;
    const degraded = [1, 2, 3, 4].map(() => {
      history = afterAbnormalEnd(history, 0, 0, MIDDLE);
      return isSlotDegraded(history);
    });
    expect(degraded).toEqual([false, false, true, true]);
  });
});
