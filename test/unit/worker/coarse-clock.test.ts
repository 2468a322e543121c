import fc from "fast-check";
import { expect, it } from "vitest";
import { CoarseClock } from "../../../src/worker/coarse-clock.ts";

function clockAt(start: number): { real: { now: number }; clock: CoarseClock } {
  const real = { now: start };
  return { real, clock: new CoarseClock(() => real.now) };
}

it("shows the time between two turns", () => {
  const { real, clock } = clockAt(5000);
  clock.turn(500);
  real.now += 200;
  expect(clock.now).toBe(200);
  real.now += 300;
  expect(clock.turn(500)).toBe(500);
});

it("does not count the time in which nothing could be read", () => {
  const { real, clock } = clockAt(0);
  clock.turn(500);
  real.now += 60_000;
  expect(clock.now).toBe(1000);
  expect(clock.turn(500)).toBe(1000);
});

it("never goes back, and never faster than the real one", () => {
  const steps = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.boolean(), fc.integer({ min: 20, max: 1000 })),
  );
  fc.assert(
    fc.property(steps, (history) => {
      const { real, clock } = clockAt(0);
      let before = 0;
      return history.every(([elapsedMs, isTurn, nextMs]) => {
        real.now += elapsedMs;
        const now = isTurn ? clock.turn(nextMs) : clock.now;
        const isSound = now >= before && now - before <= elapsedMs && clock.now === now;
        before = now;
        return isSound;
      });
    }),
  );
});
