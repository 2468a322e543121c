import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clipped, escaped, joined } from "../../../../src/observe/page/html.ts";

/** What a browser makes of it. */
const decoded = (html: string): string => html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));

const TEXT = fc.string({
  unit: fc.constantFrom("a", "<", ">", "&", '"', "'", "`", "#", ";", "é", "漢", "😀", "\n", " "),
});

describe("escaped text", () => {
  it("has no character that begins or ends anything, and is read as what it was", () => {
    fc.assert(
      fc.property(TEXT, (text) => {
        expect(escaped(text)).not.toMatch(/[<>"'`]|&(?!#\d+;)/);
        expect(decoded(escaped(text))).toBe(text);
      }),
    );
  });

  it("shows what would not be seen, or would turn the rest around", () => {
    expect(escaped("a\u0000b\u001b[31mc\u202ed\u2066e\u0085")).toBe("a�b�[31mc�d�e�");
    expect(escaped("a\tb\nc\r\n")).toBe("a\tb\nc\r\n");
  });
});

describe("clipped text", () => {
  it("is as long as it may be at most, and a beginning of the whole", () => {
    fc.assert(
      fc.property(TEXT, fc.integer({ min: 0, max: 40 }), (text, most) => {
        const html = clipped(text, most);
        const whole = escaped(text);
        if (Buffer.byteLength(whole) <= most) expect(html).toBe(whole);
        else {
          expect(html.endsWith("…")).toBe(true);
          expect(Buffer.byteLength(html.slice(0, -1))).toBeLessThanOrEqual(most);
          expect(whole.startsWith(html.slice(0, -1))).toBe(true);
        }
      }),
    );
  });
});

it("joins what there is", () => {
  expect([joined(["a", "", "b"]), joined(["", ""]), joined(["a", "b"], " ")]).toEqual(["a, b", "", "a b"]);
});
