/** Who gives connections away and who gets them: as a matrix, and through histories of clients that come and go. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterGift, AT_REST, type Course, evenOut, type Gift, type Holder } from "../../../src/master/evening.ts";

const LASTING_MS = 5000;
const LARGEST = 128;

function holder(id: number, open: number, change: Partial<Holder> = {}): Holder {
  const load = { connections: open, open, utilization: 0.01, isAccepting: true, isFull: false };
  return { id, ...load, isPaused: false, pausedAt: Number.NEGATIVE_INFINITY, isSilent: false, heardAt: 0, ...change };
}

const holding = (...open: readonly number[]): Holder[] => open.map((count, id) => holder(id, count));

/** What is given when they have held this for as long as it has to last. */
function giftOf(holders: readonly Holder[], course: Course = AT_REST): Gift | undefined {
  const first = evenOut(holders, course, 1000);
  expect(first.gift).toBeUndefined();
  return evenOut(holders, first.course, 1000 + LASTING_MS).gift;
}

describe("a worker gives connections away", () => {
  it.each<[when: string, open: number[], gift: Gift]>([
    ["when another has none", [60, 0], { origin: 0, count: 30, keep: 30, shares: [{ taker: 1, count: 30 }] }],
    [
      "when one of many has none, though nobody has much more than the mean",
      [40, 42, 40, 0],
      { origin: 1, count: 11, keep: 31, shares: [{ taker: 3, count: 11 }] },
    ],
    [
      "when it has far more than the mean, though nobody has much less",
      [100, 30, 32, 30],
      {
        origin: 0,
        count: 52,
        keep: 48,
        shares: [
          { taker: 1, count: 18 },
          { taker: 3, count: 18 },
          { taker: 2, count: 16 },
        ],
      },
    ],
    [
      "only so many at once",
      [5000, 0],
      { origin: 0, count: LARGEST, keep: 2500, shares: [{ taker: 1, count: LARGEST }] },
    ],
    [
      "when there are just enough to matter",
      [16, 0],
      { origin: 0, count: 8, keep: 8, shares: [{ taker: 1, count: 8 }] },
    ],
  ])("%s", (_when, open, gift) => {
    expect(giftOf(holding(...open))).toEqual(gift);
  });

  it.each<[when: string, open: number[]]>([
    ["when all hold much the same", [100, 90, 110, 95]],
    ["when one holds somewhat more", [140, 60]],
    ["when there are few", [14, 0]],
    ["when it is alone", [1000]],
    ["when nobody has any", [0, 0]],
  ])("not %s", (_when, open) => {
    expect(giftOf(holding(...open))).toBeUndefined();
  });

  it.each<[what: string, taker: Partial<Holder>]>([
    ["is full", { isFull: true }],
    ["is silent", { isSilent: true }],
    ["is paused", { isPaused: true }],
    ["accepts nothing", { isAccepting: false }],
    ["has no time", { utilization: 0.9 }],
  ])("not to one that %s", (_what, taker) => {
    expect(giftOf([holder(0, 60), holder(1, 0, taker)])).toBeUndefined();
    expect(giftOf([holder(0, 90), holder(1, 0, taker), holder(2, 0)])?.shares.map((share) => share.taker)).toEqual([2]);
  });

  it("also to a busy one when it is as busy itself", () => {
    expect(giftOf([holder(0, 60, { utilization: 0.95 }), holder(1, 0, { utilization: 0.9 })])?.count).toBe(30);
  });

  it("not while it stands still", () => {
    expect(giftOf([holder(0, 60, { isSilent: true }), holder(1, 0), holder(2, 0)])).toBeUndefined();
  });

  it("when that has lasted, and not when it was even in between", () => {
    let { course } = evenOut(holding(60, 0), AT_REST, 0);
    course = evenOut(holding(30, 30), course, LASTING_MS - 1).course;
    expect(evenOut(holding(60, 0), course, LASTING_MS).gift).toBeUndefined();
    course = evenOut(holding(60, 0), course, LASTING_MS).course;
    expect(evenOut(holding(60, 0), course, 2 * LASTING_MS - 1).gift).toBeUndefined();
    expect(evenOut(holding(60, 0), course, 2 * LASTING_MS).gift).toBeDefined();
  });
});

describe("once it is evened out", () => {
  const begun = (): Course => {
    const { course } = evenOut(holding(400, 0), AT_REST, 0);
    return afterGift(evenOut(holding(400, 0), course, LASTING_MS).course, LARGEST, 6000);
  };
  const told = (at: number, ...open: readonly number[]): Holder[] =>
    holding(...open).map((one) => ({ ...one, heardAt: at }));

  it("the next gift waits until all have told what they hold since the last, and for a moment", () => {
    const course = begun();
    expect(evenOut([...told(6500, 272), holder(1, 128, { heardAt: 6000 })], course, 7000).gift).toBeUndefined();
    expect(evenOut(told(6100, 272, 128), course, 6499).gift).toBeUndefined();
    expect(evenOut(told(6100, 272, 128), course, 6500).gift?.count).toBe(72);
  });

  it("it goes on until all hold much the same, and then only begins where it is far from that", () => {
    const before = begun();
    expect(evenOut(told(6600, 240, 160), before, 7000).gift?.count).toBe(40);
    const { course } = evenOut(told(6600, 210, 190), before, 7000);
    expect(course.giftAt).toBeUndefined();
    expect(evenOut(told(7600, 240, 160), course, 60_000).gift).toBeUndefined();
  });

  it("one that has had none to give is not asked again at once", () => {
    const course = afterGift(begun(), 0, 7000);
    expect(evenOut(told(7600, 272, 128), course, 16_999).gift).toBeUndefined();
    expect(evenOut(told(7600, 272, 128), course, 17_000).gift?.count).toBe(72);
  });

  it("it begins anew when nobody has had time for a while", () => {
    const before = begun();
    const busy = told(6600, 272, 128).map((one) => ({ ...one, utilization: one.id === 1 ? 0.9 : 0.1 }));
    expect(evenOut(busy, before, 7000).course.giftAt).toBeDefined();
    expect(evenOut(busy, before, 40_000).course.giftAt).toBeUndefined();
  });
});

/** Workers that tell each second what they hold, and give what they are asked for, or as much of it as is idle. */
class Crowd {
  now = 0;
  readonly moves: { readonly from: number; readonly to: number; readonly count: number; readonly at: number }[] = [];
  readonly open: number[];
  readonly silent = new Set<number>();
  /** Which share of the connections is idle. */
  idle = 1;
  #course: Course = AT_REST;
  #told: { open: number; at: number }[];

  constructor(open: readonly number[]) {
    this.open = [...open];
    this.#told = open.map((count) => ({ open: count, at: 0 }));
  }

  pass(ms: number): void {
    for (const until = this.now + ms; this.now < until;) {
      this.now += 250;
      if (this.now % 1000 === 0)
        this.#told = this.#told.map((told, id) =>
          this.silent.has(id) ? told : { open: this.open[id] ?? 0, at: this.now },
        );
      this.#look();
    }
  }

  #look(): void {
    const holders = this.#told.map(({ open, at }, id) =>
      holder(id, open, { heardAt: at, isSilent: this.silent.has(id) }),
    );
    const { course, gift } = evenOut(holders, this.#course, this.now);
    this.#course = course;
    if (gift === undefined) return;
    this.#check(holders, gift);
    const { origin, count, keep } = gift;
    const held = this.open[origin] ?? 0;
    const able = Math.max(0, Math.min(count, held - keep, Math.floor(held * this.idle)));
    let left = able;
    for (const share of gift.shares) {
      const moved = Math.min(left, share.count);
      left -= moved;
      this.open[origin] = (this.open[origin] ?? 0) - moved;
      this.open[share.taker] = (this.open[share.taker] ?? 0) + moved;
      if (moved > 0) this.moves.push({ from: origin, to: share.taker, count: moved, at: this.now });
    }
    this.#course = afterGift(course, able, this.now);
  }

  #check(holders: readonly Holder[], { origin, count, keep, shares }: Gift): void {
    const answering = holders.filter(({ isSilent }) => !isSilent);
    const mean = answering.reduce((sum, { open }) => sum + open, 0) / answering.length;
    const openOf = (id: number): number => answering.find((one) => one.id === id)?.open ?? Number.NaN;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(LARGEST);
    expect(shares.reduce((sum, share) => sum + share.count, 0)).toBe(count);
    expect(openOf(origin) - count).toBeGreaterThanOrEqual(mean);
    expect(keep).toBe(Math.ceil(mean));
    for (const share of shares) expect(openOf(share.taker) + share.count).toBeLessThanOrEqual(mean);
  }
}

describe("through every history", () => {
  const OPEN = fc.array(fc.nat({ max: 2000 }), { minLength: 1, maxLength: 8 });
  const spread = (open: readonly number[]): number => {
    const mean = open.reduce((sum, count) => sum + count, 0) / open.length;
    return open.reduce((sum, count) => sum + Math.max(0, count - mean), 0);
  };

  it("where clients stay, everybody only gives or only takes, no more than it takes, and then there is peace", () => {
    fc.assert(
      fc.property(OPEN, fc.double({ min: 0.05, max: 1, noNaN: true }), (open, idle) => {
        const crowd = new Crowd(open);
        crowd.idle = idle;
        crowd.pass(200_000);
        const givers = new Set(crowd.moves.map(({ from }) => from));
        expect(crowd.moves.filter(({ to }) => givers.has(to))).toEqual([]);
        expect(crowd.moves.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(spread(open));
        const moves = crowd.moves.length;
        crowd.pass(30_000);
        expect(crowd.moves).toHaveLength(moves);
        const mean = crowd.open.reduce((sum, count) => sum + count, 0) / open.length;
        if (moves > 0 && idle === 1)
          for (const count of crowd.open) expect(Math.abs(count - mean)).toBeLessThanOrEqual(mean * 0.1 + 2);
      }),
      { numRuns: 300 },
    );
  });

  it("where they come and go and workers stand still, a few at a time", () => {
    const worker = fc.nat({ max: 7 });
    const happening = fc.oneof(
      fc.record({ kind: fc.constant("come" as const), worker, count: fc.nat({ max: 500 }) }),
      fc.record({ kind: fc.constant("go" as const), worker, count: fc.nat({ max: 500 }) }),
      fc.record({ kind: fc.constantFrom("hang" as const, "wake" as const), worker, count: fc.constant(0) }),
    );
    const step = fc.record({ happening, ms: fc.integer({ min: 0, max: 40 }).map((quarters) => quarters * 250) });
    fc.assert(
      fc.property(OPEN, fc.array(step, { maxLength: 40 }), (open, history) => {
        const crowd = new Crowd(open);
        for (const { happening: event, ms } of history) {
          const id = event.worker % open.length;
          const held = crowd.open[id] ?? 0;
          if (event.kind === "come") crowd.open[id] = held + event.count;
          else if (event.kind === "go") crowd.open[id] = Math.max(0, held - event.count);
          else if (event.kind === "hang") crowd.silent.add(id);
          else crowd.silent.delete(id);
          crowd.pass(ms);
        }
        const instants = [...new Set(crowd.moves.map(({ at }) => at))];
        for (const [index, at] of instants.entries()) {
          expect(at - (instants[index - 1] ?? -LASTING_MS)).toBeGreaterThanOrEqual(index === 0 ? 2 * LASTING_MS : 500);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("what lasts for less than five seconds moves nothing", () => {
    const burst = fc.record({ worker: fc.nat({ max: 3 }), count: fc.integer({ min: 1, max: 1000 }) });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 30 }), (bursts) => {
        const crowd = new Crowd([100, 100, 100, 100]);
        for (const { worker, count } of bursts) {
          crowd.open[worker] = 100 + count;
          crowd.pass(3000);
          crowd.open[worker] = 100;
          crowd.pass(2000);
        }
        expect(crowd.moves).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
