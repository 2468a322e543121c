/** Generated histories of events against the policies; more than 100,000 events a run. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Happening, Simulation } from "./simulation.ts";

const pick = fc.nat({ max: 63 });
const EVENTS: fc.MaybeWeightedArbitrary<Happening>[] = [
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("progress" as const), pick }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 2500 }) }) },
  { weight: 5, arbitrary: fc.constant({ kind: "beat" as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("leave" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hang" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("answer" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("uncaught" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("unwanted" as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("scale" as const), change: fc.constantFrom(1 as const, -1 as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("served" as const), pick, requests: fc.integer({ min: 1, max: 90 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("swollen" as const), pick }) },
];
const RELOAD: fc.MaybeWeightedArbitrary<Happening> = {
  weight: 2,
  arbitrary: fc.constant({ kind: "reload" as const }),
};
/** What wears workers out quickly, and hardly anything else. */
const WEAR: fc.MaybeWeightedArbitrary<Happening>[] = [
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("progress" as const), pick }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("leave" as const), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 1500 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("served" as const), pick, requests: fc.integer({ min: 10, max: 90 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("swollen" as const), pick }) },
  { weight: 1, arbitrary: fc.oneof(...EVENTS) },
];
const HISTORY = fc.array(fc.oneof(...EVENTS, RELOAD), { maxLength: 300, size: "max" });
const WORN = fc.array(fc.oneof(...WEAR), { maxLength: 300, size: "max" });
const RUNS = 900;

function play(target: number, history: readonly Happening[], seed: number, { isSettled = false } = {}): Simulation {
  const simulation = new Simulation(target, generator(seed));
  if (isSettled) simulation.settle();
  for (const event of history) if (!simulation.isHalted) simulation.happen(event);
  return simulation;
}

describe("through every history of reloads, crashes, hangs and scaling", () => {
  it("serving workers never fall below where a rollout began, surge is kept, all are reaped, the pool converges", () => {
    let events = 0;
    let rollouts = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), HISTORY, fc.nat(), (target, history, seed) => {
        events += history.length;
        const simulation = play(target, history, seed);
        expect(simulation.violations).toEqual([]);
        simulation.settle();
        expect(simulation.isSettled()).toBe(true);
        expect(simulation.violations).toEqual([]);
        expect(simulation.spawned - simulation.reaped).toBe(simulation.pool.workers.length);
        rollouts += simulation.rolloutsDone;
      }),
      { numRuns: RUNS },
    );
    expect(events).toBeGreaterThan(100_000);
    expect(rollouts).toBeGreaterThan(RUNS / 4);
  });

  it("workers are recycled one at a time, each after its replacement is ready, never during a reload", () => {
    let recycled = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), WORN, fc.boolean(), fc.nat(), (target, history, isReloaded, seed) => {
        const simulation = play(target, history, seed, { isSettled: true });
        if (isReloaded && !simulation.isHalted) simulation.happen({ kind: "reload" });
        expect(simulation.violations).toEqual([]);
        simulation.settle();
        expect(simulation.isSettled()).toBe(true);
        expect(simulation.violations).toEqual([]);
        recycled += simulation.recycled;
      }),
      { numRuns: RUNS / 3 },
    );
    expect(recycled).toBeGreaterThan(RUNS);
  });

  it.each([
    { how: "graceful", delayMs: 0 },
    { how: "graceful", delayMs: 4000 },
    { how: "quick", delayMs: 0 },
  ] as const)(
    "a $how stop in the middle, $delayMs ms later, reaps everybody and spawns nobody then",
    ({ how, delayMs }) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 5 }), HISTORY, fc.nat(), (target, history, seed) => {
          const simulation = play(target, history.slice(0, 60), seed);
          simulation.happen({ kind: "stop", how, delayMs });
          for (const event of history.slice(60, 90)) simulation.happen(event);
          simulation.happen({ kind: "time", ms: delayMs });
          const { spawned } = simulation;
          // Nobody but the clock does anything from here: even the hung are gone once their deadlines have passed.
          simulation.happen({ kind: "time", ms: 20_000 });
          expect(simulation.pool.workers).toEqual([]);
          expect(simulation.reaped).toBe(spawned);
          expect(simulation.violations).toEqual([]);
        }),
        { numRuns: 200 },
      );
    },
  );
});

/** A small seeded generator (mulberry32). */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
