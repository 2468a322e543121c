import { describe, expect, it } from "vitest";
import {
  agoText,
  clock,
  countText,
  durationText,
  latencyText,
  numberText,
  percentText,
  rateText,
  sizeText,
} from "../../../../src/observe/page/words.ts";

describe("in words", () => {
  it.each([
    [0, "0"],
    [999.6, "1,000"],
    [184_221, "184,221"],
    [999_999, "999,999"],
    [999_999.6, "1.00 M"],
    [1_234_567, "1.23 M"],
    [9_996_000, "10.0 M"],
    [99_960_000, "100 M"],
    [999_400_000, "999 M"],
    [1_234_000_000, "1.23 G"],
  ])("the number %d is %s", (value, text) => expect(numberText(value)).toBe(text));

  it.each([
    [0, "0"],
    [0.01, "< 0.1"],
    [0.44, "0.4"],
    [12.34, "12.3"],
    [99.96, "100"],
    [1043.2, "1,043"],
  ])("a rate of %d is %s", (value, text) => expect(rateText(value)).toBe(text));

  it.each([
    [0, "0 %"],
    [0.0001, "< 0.1 %"],
    [0.0034, "0.3 %"],
    [0.0996, "10 %"],
    [1, "100 %"],
  ])("a share of %d is %s", (share, text) => expect(percentText(share)).toBe(text));

  it.each([
    [64_700_000, "61.7 MB"],
    [900_000_000, "858 MB"],
    [2 ** 31, "2.00 GB"],
  ])("%d bytes are %s", (bytes, text) => expect(sizeText(bytes)).toBe(text));

  it.each([
    [null, "–"],
    [0.04, "0.0 ms"],
    [9.81, "9.8 ms"],
    [99.6, "100 ms"],
    [999.6, "1.0 s"],
    [9949, "9.9 s"],
    [61_000, "1 min 1 s"],
  ])("a latency of %s ms is %s", (ms, text) => expect(latencyText(ms)).toBe(text));

  it.each([
    [0, "0 ms"],
    [499, "499 ms"],
    [800, "1 s"],
    [42_000, "42 s"],
    [59_600, "1 min"],
    [185_000, "3 min 5 s"],
    [3_600_000, "1 h"],
    [7_800_000, "2 h 10 min"],
    [442_800_000, "5 d 3 h"],
  ])("%d ms are %s", (ms, text) => expect(durationText(ms)).toBe(text));

  it("an instant is told with its date when that is another", () => {
    const at = "2030-01-02T03:04:05.678Z";
    expect(clock(at, "2030-01-02T23:00:00.000Z")).toBe(`<time datetime="${at}">03:04:05</time>`);
    expect(clock(at, "2030-01-03T00:00:00.000Z")).toBe(`<time datetime="${at}">01-02 03:04:05</time>`);
  });

  it.each([
    ["03:04:06", "just now"],
    ["03:04:00", "just now"],
    ["03:04:47", "42 s ago"],
    ["03:06:10", "2 min ago"],
    ["05:04:05", "2 h ago"],
  ])("and as so long ago: at %s, %s", (now, text) =>
    expect(agoText("2030-01-02T03:04:05.000Z", `2030-01-02T${now}.000Z`)).toBe(text),
  );

  it("one is one, others are many", () => {
    expect([countText(0, "error"), countText(1, "error"), countText(2000, "error")]).toEqual([
      "0 errors",
      "1 error",
      "2,000 errors",
    ]);
  });
});
