import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRanges } from "../../../../src/gateway/middleware/static/byte-ranges.ts";

test.each([
  ["bytes=0-0", [[0, 0]]],
  ["bytes=0-", [[0, 9]]],
  ["bytes=5-7", [[5, 7]]],
  ["bytes=5-100", [[5, 9]]],
  ["bytes=-3", [[7, 9]]],
  ["bytes=-100", [[0, 9]]],
  ["Bytes=1-2", [[1, 2]]],
  [
    "bytes= 1-2 , 5-6 ",
    [
      [1, 2],
      [5, 6],
    ],
  ],
  [
    "bytes=5-6,1-2",
    [
      [5, 6],
      [1, 2],
    ],
  ],
  ["bytes=0-3,2-5", [[0, 5]]],
  ["bytes=0-3,4-5", [[0, 5]]],
  [
    "bytes=0-1,8-9,2-3",
    [
      [0, 3],
      [8, 9],
    ],
  ],
  ["bytes=0-0,5-5,1-4", [[0, 5]]],
  ["bytes=20-30,1-2", [[1, 2]]],
  ["bytes=,0-1", [[0, 1]]],
  ["bytes=0-99999999999999999999999999", [[0, 9]]],
])("%s of ten bytes", (header, expected) => {
  const ranges = parseRanges(header, 10);
  expect(Array.isArray(ranges) && ranges.map(({ start, end }) => [start, end])).toEqual(expected);
});

test.each(["bytes=10-", "bytes=-0", "bytes=10-20,30-40", "bytes=99999999999999999999999999-"])(
  "%s is unsatisfiable",
  (header) => {
    expect(parseRanges(header, 10)).toBe("unsatisfiable");
  },
);

test("nothing of an empty file can be had", () => {
  expect(parseRanges("bytes=0-", 0)).toBe("unsatisfiable");
  expect(parseRanges("bytes=-5", 0)).toBe("unsatisfiable");
});

test.each([
  "bytes",
  "bytes=",
  "bytes=,",
  "bytes=-",
  "bytes=a-b",
  "bytes=1",
  "bytes=0x1-2",
  "bytes=2-1",
  "bytes=1-2,5-4",
  "bytes=1-2-3",
  "bytes=1.5-2",
  "bytes=--1",
  "bytes=1-2;3-4",
  "items=0-1",
  "0-1",
  "",
  `bytes=${Array.from({ length: 17 }, (_, at) => `${at * 2}-${at * 2}`).join(",")}`,
])("%s is ignored", (header) => {
  expect(parseRanges(header, 1000)).toBeUndefined();
});

test("whatever is asked for, what is answered lies in the file, in pieces that do not touch", () => {
  const number = fc.oneof(fc.nat(40).map(String), fc.constant(""));
  const spec = fc.tuple(number, number).map(([first, last]) => `${first}-${last}`);
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 8 }), fc.nat(30), (specs, size) => {
      const ranges = parseRanges(`bytes=${specs.join(",")}`, size);
      if (ranges === undefined || ranges === "unsatisfiable") return;
      const bytes = ranges.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, at) => start + at));
      expect(bytes.every((byte) => byte >= 0 && byte < size)).toBe(true);
      expect(new Set(bytes).size).toBe(bytes.length);
      const sorted = ranges.toSorted((a, b) => a.start - b.start);
      expect(sorted.every(({ start }, at) => at === 0 || start > (sorted[at - 1]?.end ?? 0) + 1)).toBe(true);
    }),
  );
});
