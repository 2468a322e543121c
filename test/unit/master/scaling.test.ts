import { describe, expect, it } from "vitest";
import { resize, surgeFor, targetAfterReload } from "../../../src/master/scaling.ts";

describe("the wanted number of workers", () => {
  it.each([
    { target: 4, change: 1, then: 5 },
    { target: 4, change: -1, then: 3 },
    { target: 1, change: -1, then: 1 },
  ])("$target changed by $change is $then", ({ target, change, then }) => {
    expect(resize(target, change)).toBe(then);
  });

  it("survives a reload while the configured number stays", () => {
    expect(targetAfterReload(7, 4, 4)).toBe(7);
  });

  it("gives way to a configured number that has changed", () => {
    expect(targetAfterReload(7, 4, 2)).toBe(2);
  });
});

describe("the surge of a reload", () => {
  it.each([
    { surge: { kind: "percent", value: 25 }, target: 4, extra: 1 },
    { surge: { kind: "percent", value: 25 }, target: 16, extra: 4 },
    { surge: { kind: "percent", value: 25 }, target: 1, extra: 1 },
    { surge: { kind: "percent", value: 100 }, target: 3, extra: 3 },
    { surge: { kind: "count", value: 2 }, target: 1, extra: 2 },
    { surge: { kind: "count", value: 0 }, target: 8, extra: 1 },
  ] as const)("$surge.value ($surge.kind) of $target is $extra", ({ surge, target, extra }) => {
    expect(surgeFor(surge, target)).toBe(extra);
  });
});
