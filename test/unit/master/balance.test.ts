/** Who pauses and who goes on, as a matrix and for any numbers. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BalanceChange, type Member, nextChange } from "../../../src/master/balance.ts";

const NOW = 10_000;

function member(id: number, change: Partial<Member> = {}): Member {
  return {
    id,
    connections: 0,
    utilization: 0.01,
    isPaused: false,
    pausedAt: Number.NEGATIVE_INFINITY,
    isAccepting: true,
    isFull: false,
    isSilent: false,
    ...change,
  };
}

function holding(...connections: readonly number[]): Member[] {
  return connections.map((count, id) => member(id, { connections: count }));
}

const PAUSED = { isPaused: true, isAccepting: false };
const pause = (id: number): BalanceChange => ({ do: "pause", id });
const resume = (id: number): BalanceChange => ({ do: "resume", id });

describe("a worker is paused", () => {
  it.each<[why: string, members: Member[], change: BalanceChange | undefined]>([
    ["when it has more than its share", holding(60, 47, 47, 46), pause(0)],
    ["when it has more than the mean and another is behind", holding(53, 53, 53, 41), pause(0)],
    ["when it is one of two", holding(30, 10), pause(0)],
    ["unless all have much the same", holding(53, 50, 49, 48), undefined],
    ["unless all have few", holding(11, 0, 0, 0), undefined],
    ["unless it is alone", holding(1000), undefined],
    [
      "unless it was paused just now",
      [member(0, { connections: 60, pausedAt: NOW - 50 }), ...holding(0, 9)],
      undefined,
    ],
    ["unless all have enough to do", withUtilization(0.6, holding(60, 47, 47, 46)), undefined],
  ])("%s", (_why, members, change) => {
    expect(nextChange(members, NOW)).toEqual(change);
  });

  it.each<[why: string, other: Partial<Member>]>([
    ["is paused", PAUSED],
    ["does not listen yet", { isAccepting: false }],
    ["is full", { isFull: true }],
    ["is silent", { isSilent: true }],
  ])("not when the only other one %s", (_why, other) => {
    expect(nextChange([member(0, { connections: 60 }), member(1, other)], NOW)).not.toEqual(pause(0));
  });
});

describe("a paused worker goes on", () => {
  const paused = (connections: number, ...others: readonly Member[]): Member[] => [
    member(9, { connections, ...PAUSED }),
    ...others,
  ];
  it.each<[why: string, members: Member[], change: BalanceChange | undefined]>([
    ["when it has no more than the mean", paused(50, ...holding(50, 50, 50)), resume(9)],
    ["not before", paused(53, ...holding(50, 50, 50)), undefined],
    ["when nobody else accepts", paused(60, member(1, { isSilent: true }), member(2, { isFull: true })), resume(9)],
    ["when those who accept are too busy", paused(60, member(1, { utilization: 0.95 })), resume(9)],
    ["not when only it is busy", [member(9, { connections: 60, utilization: 0.9, ...PAUSED }), member(1)], undefined],
    ["not while it stands still", [member(9, { connections: 60, isSilent: true, ...PAUSED }), member(1)], undefined],
    ["not while it is full", [member(9, { connections: 60, isFull: true, ...PAUSED }), member(1)], undefined],
  ])("%s", (_why, members, change) => {
    expect(nextChange(members, NOW)).toEqual(change);
  });
});

describe("whatever the workers hold and do", () => {
  const MEMBERS = fc
    .array(
      fc.record({
        connections: fc.nat({ max: 300 }),
        utilization: fc.double({ min: 0, max: 1, noNaN: true }),
        isPaused: fc.boolean(),
        pausedAt: fc.constantFrom(Number.NEGATIVE_INFINITY, NOW - 50),
        isAccepting: fc.boolean(),
        isFull: fc.boolean(),
        isSilent: fc.boolean(),
      }),
      { maxLength: 12 },
    )
    .map((members) => members.map((one, id) => ({ ...one, id })));
  const isAble = ({ isFull, isSilent }: Member): boolean => !isFull && !isSilent;
  const isSure = (one: Member): boolean => isAble(one) && !one.isPaused && one.isAccepting;

  it("it comes to rest, changes each at most once, and never pauses the last or the least loaded", () => {
    fc.assert(
      fc.property(MEMBERS, (members) => {
        let now = members;
        const changed = new Set<number>();
        for (let change = nextChange(now, NOW); change !== undefined; change = nextChange(now, NOW)) {
          const { id, do: what } = change;
          expect(changed.has(id)).toBe(false);
          changed.add(id);
          const before = now[id] as Member;
          expect(isAble(before)).toBe(true);
          expect(before.isPaused).toBe(what === "resume");
          now = now.map((one) => (one.id === id ? { ...one, isPaused: what === "pause" } : one));
          if (what === "resume") continue;
          expect(now.some(isSure)).toBe(true);
          expect(now.some((one) => isAble(one) && !one.isPaused && one.connections < before.connections)).toBe(true);
        }
        expect(now.filter(isAble).every(({ isPaused }) => isPaused) && now.some(isAble)).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });
});

function withUtilization(utilization: number, members: readonly Member[]): Member[] {
  return members.map((one) => ({ ...one, utilization }));
}
