/** Generated frames, cut anywhere: the follower is between two frames exactly where one ends. */

import fc from "fast-check";
import { expect, it } from "vitest";
import { WebSocketFrames } from "../../../src/worker/websocket-frames.ts";

const CLOSE = 8;

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly isMasked: boolean;
  readonly length: number;
  /** How many bytes say the length; more than it needs are followed all the same. */
  readonly lengthBytes: 0 | 2 | 8;
  readonly fill: number;
}

const FRAME: fc.Arbitrary<Frame> = fc
  .record({
    opcode: fc.nat({ max: 15 }),
    isFinal: fc.boolean(),
    isMasked: fc.boolean(),
    length: fc.oneof(
      { weight: 4, arbitrary: fc.nat({ max: 300 }) },
      { weight: 2, arbitrary: fc.constantFrom(0, 1, 125, 126, 127, 255, 256) },
      { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 70_000) },
    ),
    extra: fc.nat({ max: 2 }),
    fill: fc.nat({ max: 255 }),
  })
  .map(({ extra, ...frame }) => {
    const wanted = Math.max(extra, frame.length < 126 ? 0 : frame.length < 65_536 ? 1 : 2);
    return { ...frame, lengthBytes: wanted === 0 ? 0 : wanted === 1 ? 2 : 8 };
  });

function bytesOf({ opcode, isFinal, isMasked, length, lengthBytes, fill }: Frame): Buffer {
  const said = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  const size = Buffer.alloc(lengthBytes);
  if (lengthBytes === 2) size.writeUInt16BE(length);
  if (lengthBytes === 8) size.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([
    Buffer.from([(isFinal ? 0x80 : 0) | opcode, (isMasked ? 0x80 : 0) | said]),
    size,
    Buffer.alloc(isMasked ? 4 : 0, fill),
    Buffer.alloc(length, fill),
  ]);
}

it("is at an edge exactly where frames end, and knows when a close frame was among them", () => {
  fc.assert(
    fc.property(fc.array(FRAME, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 40 }), (list, places) => {
      const stream = Buffer.concat(list.map(bytesOf));
      const edges = new Set([0]);
      let closedAt = Infinity;
      let end = 0;
      for (const frame of list) {
        const bytes = bytesOf(frame);
        if (frame.opcode === CLOSE) closedAt = Math.min(closedAt, end + bytes.length - frame.length);
        end += bytes.length;
        edges.add(end);
      }
      // Cuts anywhere, and around every edge and head, where the mistakes are.
      const near = [...edges].flatMap((edge) => Array.from({ length: 16 }, (_, index) => edge + index - 1));
      const wanted = [
        ...places.map((place) => place % (end + 1)),
        ...near.filter((_, index) => (places[index] ?? 0) % 2 === 1),
      ];
      const cuts = [...new Set([...wanted, end])].filter((cut) => cut >= 0 && cut <= end).sort((a, b) => a - b);
      const frames = new WebSocketFrames();
      let before = 0;
      for (const cut of cuts) {
        frames.follow(stream.subarray(before, cut));
        before = cut;
        expect([cut, frames.isAtEdge, frames.hasClosed]).toEqual([cut, edges.has(cut), cut >= closedAt]);
      }
    }),
    { numRuns: 500 },
  );
});

it("counts a length that needs all of its 64 bits' middle", () => {
  const frames = new WebSocketFrames();
  frames.follow(Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]));
  const piece = new Uint8Array(2 ** 20);
  for (let left = 2 ** 12; left > 0; left--) {
    expect(frames.isAtEdge).toBe(false);
    frames.follow(piece);
  }
  expect(frames.isAtEdge).toBe(true);
});

it("counts text in the bytes that its encoding makes of it", () => {
  const encodings = ["utf8", "latin1", "ascii", "utf16le", "hex", "base64", "base64url"] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...encodings),
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.boolean(),
      (encoding, said, isAllPayload) => {
        const isCoded = ["hex", "base64", "base64url"].includes(encoding);
        const text = isCoded ? Buffer.from(said).toString(encoding) : said;
        const payload = Buffer.from(text, encoding);
        const head = [0x82, 126, payload.length >> 8, payload.length & 255];
        const frames = new WebSocketFrames();
        frames.follow(Buffer.from(head));
        if (isAllPayload) frames.followText(text, encoding);
        else frames.followText(`${payload.toString("hex")}8901`, "hex");
        expect(frames.isAtEdge).toBe(isAllPayload);
        frames.follow(Buffer.from([isAllPayload ? 0x89 : 0]));
        expect(frames.isAtEdge).toBe(!isAllPayload);
      },
    ),
  );
});
