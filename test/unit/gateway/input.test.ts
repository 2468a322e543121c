import { describe, expect, test } from "vitest";
import { ExchangeInput } from "../../../src/gateway/input.ts";
import { FakeExchange } from "./fake-exchange.ts";

const inputOf = (...chunks: string[]) => {
  const exchange = new FakeExchange({ input: chunks });
  return { exchange, input: new ExchangeInput(exchange) };
};
const text = (chunk: Uint8Array) => Buffer.from(chunk).toString();

describe("gateway.input", () => {
  test("pulls nothing before it is asked", () => {
    expect(inputOf("a").exchange.verbs).toEqual([]);
  });

  test("read(n) gives up to n bytes and an empty chunk at the end, again and again", async () => {
    const { input } = inputOf("abcde", "f");
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) seen.push(text(await input.read(3)));
    expect(seen).toEqual(["abc", "de", "f", "", ""]);
  });

  test("does not ask the transport again after the end", async () => {
    const { exchange, input } = inputOf();
    await input.read(1);
    await input.read(1);
    expect(exchange.verbs).toEqual(["read 1"]);
  });

  test("read() gives all that is left", async () => {
    const { input } = inputOf("abc", "def", "g");
    await input.read(1);
    expect(text(await input.read())).toBe("bcdefg");
    expect(text(await input.read())).toBe("");
    expect(text(await inputOf("one").input.read())).toBe("one");
  });

  test("read(0) takes nothing", async () => {
    const { exchange, input } = inputOf("a");
    expect(text(await input.read(0))).toBe("");
    expect(exchange.verbs).toEqual([]);
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "3", null])("read(%j) is refused", async (n) => {
    await expect(inputOf("a").input.read(n as number)).rejects.toThrow(RangeError);
  });

  test("is iterated chunk by chunk, and leaving the loop leaves the rest", async () => {
    const { input } = inputOf("a", "b", "c");
    const seen: string[] = [];
    for await (const chunk of input) {
      seen.push(text(chunk));
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["a", "b"]);
    for await (const chunk of input) seen.push(text(chunk));
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("is read once at a time", async () => {
    const { input } = inputOf("a", "b");
    const first = input.read(1);
    await expect(input.read(1)).rejects.toThrow(/being read already/);
    expect(text(await first)).toBe("a");
    expect(text(await input.read(1))).toBe("b");
  });

  test("that breaks off rejects and does not look ended afterwards", async () => {
    const { exchange, input } = inputOf();
    const error = new Error("gone");
    exchange.read = () => Promise.reject(error);
    await expect(input.read()).rejects.toBe(error);
    await expect(input.read(5)).rejects.toBe(error);
  });
});
