import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, header, number } from "../../../../src/worker/wsgi/frames.ts";

const frame = fc.record({ kind: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 300 }) });

test("frames come out as they went in, however they are cut on the way", () => {
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 400 })), (frames, cuts) => {
      const stream = Buffer.concat(
        frames.flatMap(({ kind, payload }) => [Buffer.from(header(kind, payload.length), "latin1"), payload]),
      );
      const read: { kind: number; payload: number[] }[] = [];
      const reader = new FrameReader((kind, payload) => read.push({ kind, payload: [...payload] }));
      let at = 0;
      for (const cut of cuts) reader.push(stream.subarray(at, (at += cut)));
      reader.push(stream.subarray(at));
      expect(read).toEqual(frames.map(({ kind, payload }) => ({ kind, payload: [...payload] })));
    }),
  );
});

test("a number is four bytes, the least first", () => {
  expect(Buffer.from(number(0xfedcba98), "latin1").readUInt32LE()).toBe(0xfedcba98);
});
