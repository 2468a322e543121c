/** Pools of any size under any history of connections, with messages that take their time. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoadSimulation } from "./load-simulation.ts";

type Happening =
  | { readonly kind: "connect"; readonly count: number; readonly everyMs: number }
  | { readonly kind: "disconnect"; readonly count: number; readonly pick: number }
  | { readonly kind: "hang" | "kill"; readonly pick: number }
  | { readonly kind: "wake" }
  | { readonly kind: "time"; readonly ms: number };

const pick = fc.nat({ max: 63 });
const CLIENTS: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: fc.constant("connect" as const),
    count: fc.integer({ min: 1, max: 60 }),
    everyMs: fc.constantFrom(0, 1, 5, 50),
  }),
  fc.record({ kind: fc.constant("disconnect" as const), count: fc.integer({ min: 1, max: 30 }), pick }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
);
const TROUBLE: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constantFrom("hang" as const, "kill" as const), pick }),
  fc.constant({ kind: "wake" as const }),
);
const WORKERS = fc.integer({ min: 1, max: 8 });

/** A hung worker is found out by its missing heartbeat, and messages are on their way for a while. */
const LONGEST_GAP_MS = 1350;

function play(simulation: LoadSimulation, history: readonly Happening[]): void {
  for (const event of history) {
    if (event.kind === "time") simulation.pass(event.ms);
    else if (event.kind === "connect" || event.kind === "disconnect") {
      for (let count = 0; count < event.count; count++) {
        if (event.kind === "connect") simulation.connect();
        else simulation.disconnect(event.pick);
        simulation.pass(event.kind === "connect" ? event.everyMs : 0);
      }
    } else if (event.kind === "wake") simulation.wake();
    else simulation[event.kind](event.pick);
  }
}

describe("through every history of connections", () => {
  it("somebody always accepts, and as many again, 5 ms apart, leave all of them with much the same", () => {
    fc.assert(
      fc.property(WORKERS, fc.array(CLIENTS, { maxLength: 30 }), fc.nat(), (workers, history, seed) => {
        const simulation = new LoadSimulation({ workers, random: generator(seed) });
        play(simulation, history);
        // What one has got in a moment, the others have to get first.
        const count = workers * Math.max(100, ...simulation.held);
        play(simulation, [{ kind: "connect", count, everyMs: 5 }]);
        expect(simulation.longestGapMs).toBe(0);
        expect(simulation.waiting).toBe(0);
        const mean = simulation.held.reduce((sum, count) => sum + count, 0) / workers;
        expect(Math.max(...simulation.held)).toBeLessThanOrEqual(1.25 * mean);
      }),
      { numRuns: 150 },
    );
  });

  it("of deaths, hangs and limits too, nobody is left waiting for longer than a heartbeat", () => {
    const history = fc.array(fc.oneof({ weight: 3, arbitrary: CLIENTS }, { weight: 1, arbitrary: TROUBLE }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(WORKERS, history, fc.constantFrom(0, 1, 20, 50), fc.nat(), (workers, events, limit, seed) => {
        const simulation = new LoadSimulation({ workers, random: generator(seed), limit });
        play(simulation, events);
        expect(simulation.longestGapMs).toBeLessThanOrEqual(LONGEST_GAP_MS);
        if (limit > 0) expect(Math.max(0, ...simulation.held)).toBeLessThanOrEqual(limit);
        play(simulation, [{ kind: "wake" }, { kind: "time", ms: 1100 }]);
        const isEverybodyFull = simulation.held.every((count) => limit > 0 && count > limit * 0.9 - 1);
        if (!isEverybodyFull) expect(simulation.waiting).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

it.each([1, 250, 500, 750, 990])(
  "when the only one that accepts hangs %i ms after its heartbeat, others go on",
  (ms) => {
    const simulation = new LoadSimulation({ workers: 2, random: () => 0.5 });
    play(simulation, [
      { kind: "connect", count: 60, everyMs: 5 },
      { kind: "disconnect", count: 30, pick: 1 },
      { kind: "time", ms: 3700 + ms },
    ]);
    expect(simulation.pauses).toBeGreaterThan(0);
    play(simulation, [
      { kind: "hang", pick: 1 },
      { kind: "connect", count: 1, everyMs: 5000 },
    ]);
    expect(simulation.waiting).toBe(0);
    expect(simulation.longestGapMs).toBeGreaterThan(300);
    expect(simulation.longestGapMs).toBeLessThanOrEqual(LONGEST_GAP_MS);
  },
);

it("a worker alone is told nothing", () => {
  const simulation = new LoadSimulation({ workers: 1, random: () => 0.5 });
  play(simulation, [{ kind: "connect", count: 500, everyMs: 1 }]);
  expect(simulation).toMatchObject({ pauses: 0, held: [500] });
});

it("connections one by one, seconds apart, spread as well", () => {
  const simulation = new LoadSimulation({ workers: 4, random: () => 0.5 });
  play(simulation, [{ kind: "connect", count: 200, everyMs: 3000 }]);
  expect(Math.max(...simulation.held)).toBeLessThanOrEqual(62);
  expect(Math.min(...simulation.held)).toBeGreaterThanOrEqual(38);
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
