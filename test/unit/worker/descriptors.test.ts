import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connectionCapacity, DescriptorAlarm } from "../../../src/worker/descriptors.ts";

describe("the connections that a process may hold", () => {
  it.each([
    [64, 30, 18],
    [1024, 30, 942],
    [20_000, 500, 18_500],
    [16, 30, 1],
  ])("of %i descriptors beside %i others: %i", (limit, others, capacity) => {
    expect(connectionCapacity(limit, others)).toBe(capacity);
  });
});

describe("the alarm", () => {
  const CAPACITY = 100;

  it("is raised once, however long it lasts, and again only after it was over", () => {
    const alarm = new DescriptorAlarm();
    const looks: [isExhausted: boolean, connections: number][] = [
      [false, 99],
      [true, 100],
      [true, 100],
      [false, 100],
      [true, 100],
      [false, 50],
      [false, 50],
      [false, 50],
      [false, 50],
      [true, 100],
    ];
    expect(looks.map(([isExhausted, connections]) => alarm.look(isExhausted, connections, CAPACITY))).toEqual([
      undefined,
      "reached",
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      "recovered",
      undefined,
      "reached",
    ]);
  });

  it("is not over while it hovers below the limit", () => {
    const alarm = new DescriptorAlarm();
    alarm.look(true, 100, CAPACITY);
    for (let i = 0; i < 50; i++) expect(alarm.look(false, 95, CAPACITY)).toBeUndefined();
  });

  it("goes up and down in turns", () => {
    const looks = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 110 })));
    fc.assert(
      fc.property(looks, (history) => {
        const alarm = new DescriptorAlarm();
        const said = history.map(([isExhausted, connections]) => alarm.look(isExhausted, connections, CAPACITY));
        return said
          .filter((word) => word !== undefined)
          .every((word, at) => word === (at % 2 === 0 ? "reached" : "recovered"));
      }),
    );
  });
});
