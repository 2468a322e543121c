import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { OutputPump } from "../../../src/master/output-pump.ts";

const soon = { timeout: 20_000, interval: 5 } as const;

/** A stream with `count` lines that name it, ended; they come in one piece, as from a pipe that is full of them. */
function chatty(name: string, count: number): PassThrough {
  const lines = Array.from({ length: count }, (_, index) => `${name} ${index}\n`);
  return new PassThrough().end(lines.join(""));
}

test("every line of every stream is delivered, in its order, the last one without its end too", async () => {
  const pump = new OutputPump();
  const texts: string[] = [];
  const streams = ["a", "b", "c"].map((name) => chatty(name, 3000));
  const quiet = new PassThrough();
  quiet.end("the last words");
  await Promise.all([...streams, quiet].map((stream) => pump.read(stream, ({ text }) => texts.push(text))));
  for (const name of ["a", "b", "c"]) {
    const expected = Array.from({ length: 3000 }, (_, index) => `${name} ${index}`);
    expect(texts.filter((text) => text.startsWith(`${name} `))).toEqual(expected);
  }
  expect(texts).toContain("the last words");
});

test("a stream with much to say does not keep the others from their turn, nor the process from its work", async () => {
  const pump = new OutputPump();
  const texts: string[] = [];
  const read = pump.read(chatty("chatty", 20_000), ({ text }) => texts.push(text));
  await expect.poll(() => texts.length, soon).toBeGreaterThan(0);
  const quiet = new PassThrough();
  void pump.read(quiet, ({ text }) => texts.push(text));
  quiet.write("quiet\n");
  await expect.poll(() => texts.includes("quiet"), soon).toBe(true);
  expect(texts.indexOf("quiet")).toBeLessThan(20_000);
  // Between two portions there is time for everything else, however long one takes.
  const before = texts.length;
  await new Promise((resolve) => setImmediate(resolve));
  expect(texts.length - before).toBeLessThanOrEqual(200);
  await read;
  expect(texts).toHaveLength(20_001);
});

test("a stream is not read while its lines wait, so that its writer has to", async () => {
  const pump = new OutputPump();
  let mustHold = true;
  pump.holdWhile(() => mustHold);
  const texts: string[] = [];
  const stream = new PassThrough({ highWaterMark: 1000 });
  void pump.read(stream, ({ text }) => texts.push(text));
  let written = 0;
  while (stream.write(`${"x".repeat(99)}\n`)) {
    written++;
    await pause(1);
    expect(written).toBeLessThan(100);
  }
  expect(texts).toEqual([]);
  mustHold = false;
  await once(stream, "drain");
  stream.end();
  await expect.poll(() => texts.length, soon).toBe(written + 1);
});

test("a stream that breaks ends like any other", async () => {
  const pump = new OutputPump();
  const texts: string[] = [];
  const stream = new PassThrough();
  const read = pump.read(stream, ({ text }) => texts.push(text));
  stream.write("one\ntw");
  await expect.poll(() => texts, soon).toEqual(["one"]);
  stream.destroy(new Error("broken"));
  await read;
  expect(texts).toEqual(["one", "tw"]);
});
