import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isCrowded, NoAnswer, patiently } from "../../../../src/master/hang/patience.ts";

const never = (): AbortSignal => new AbortController().signal;

it.each([
  { elapsedMs: 300, waitedMs: 0, crowded: false },
  { elapsedMs: 300, waitedMs: 150, crowded: false },
  { elapsedMs: 300, waitedMs: 151, crowded: true },
])("$waitedMs of $elapsedMs ms without a processor: crowded: $crowded", ({ elapsedMs, waitedMs, crowded }) => {
  expect(isCrowded({ elapsedMs, waitedMs })).toBe(crowded);
});

describe("an answer", () => {
  it("is waited for while it may still come", async () => {
    let looks = 0;
    expect(await patiently(process.pid, () => (++looks < 3 ? undefined : "there"), never())).toBe("there");
    expect(looks).toBe(3);
  });

  it("is not waited for any more when a process had its time", async () => {
    // A pid that nobody has: it waits for no processor.
    await expect(patiently(0, () => undefined, never())).rejects.toThrow(NoAnswer);
  });

  it("is not waited for any more when there is no time at all", async () => {
    const abort = new AbortController();
    const waiting = patiently(0, () => undefined, abort.signal);
    await sleep(20);
    abort.abort(new Error("no time left"));
    await expect(waiting).rejects.toThrow(/aborted/);
  });
});
