import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type OutputLine, OutputLines } from "../../../src/master/output-lines.ts";

/** Everything that comes of these chunks, the last one included. */
function linesOf(...chunks: readonly (string | Buffer)[]): OutputLine[] {
  const lines = new OutputLines();
  const result: OutputLine[] = [];
  const take = (): void => {
    for (let line = lines.next(); line !== undefined; line = lines.next()) result.push(line);
  };
  for (const chunk of chunks) {
    lines.push(Buffer.from(chunk as string));
    take();
  }
  const last = lines.last();
  return last === undefined ? result : [...result, last];
}

const whole = (text: string): OutputLine => ({ text, isPart: false });

describe("what a process writes", () => {
  test.each([
    ["one\ntwo\n", ["one", "two"]],
    ["one\r\n\r\ntwo\n", ["one", "", "two"]],
    ["no end", ["no end"]],
    ["\n\n", ["", ""]],
    ["", []],
    ["carriage\rreturn\n", ["carriage\rreturn"]],
    ["nul\0 and escape\x1b[31m\n", ["nul\0 and escape\x1b[31m"]],
  ])("comes as lines: %j", (text, expected) => {
    expect(linesOf(text)).toEqual(expected.map(whole));
    expect(linesOf(...text.split(""))).toEqual(expected.map(whole));
  });

  test("may be no UTF-8", () => {
    expect(linesOf(Buffer.from([0x66, 0xff, 0xfe, 0x0a, 0xc3]))).toEqual([whole("f\ufffd\ufffd"), whole("\ufffd")]);
  });

  test("and is a long line comes in parts, of which none ends within a character", () => {
    const line = `${"é".repeat(20_000)}€${"😀".repeat(5000)}`;
    const parts = linesOf(`${line}\nnext\n`);
    expect(parts.map(({ isPart }) => isPart)).toEqual([true, true, true, false, false]);
    expect(
      parts
        .slice(0, -1)
        .map(({ text }) => text)
        .join(""),
    ).toBe(line);
    expect(parts.at(-1)).toEqual(whole("next"));
    for (const { text } of parts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16_384);
  });

  test("and is long and no UTF-8 comes in parts too", () => {
    const parts = linesOf(Buffer.alloc(40_000, 0x80));
    expect(parts.map(({ text }) => text.length).reduce((sum, length) => sum + length)).toBe(40_000);
  });

  test("is the same however it was cut", () => {
    const text = fc.array(fc.string({ unit: "grapheme", maxLength: 20 })).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, fc.array(fc.nat(40), { minLength: 1 }), (written, cuts) => {
        const bytes = Buffer.from(written);
        const chunks: Buffer[] = [];
        for (let at = 0, index = 0; at < bytes.length; index++) {
          const end = at + 1 + (cuts[index % cuts.length] ?? 0);
          chunks.push(bytes.subarray(at, end));
          at = end;
        }
        expect(linesOf(...chunks)).toEqual(linesOf(bytes));
      }),
    );
  });
});
