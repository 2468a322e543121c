import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isStarved, NoAnswer, patiently } from "../../../../src/master/hang/patience.ts";

const never = (): AbortSignal => new AbortController().signal;

it.each([
  { what: "it ran all the time", ranMs: 300, waitedMs: 0, starved: false },
  { what: "it slept all the time", ranMs: 0, waitedMs: 0, starved: false },
  { what: "it waited for a quarter of the time", ranMs: 225, waitedMs: 75, starved: false },
  { what: "it waited for more", ranMs: 224, waitedMs: 76, starved: true },
  { what: "it waited for most of the time", ranMs: 299, waitedMs: 1000, starved: true },
  { what: "it waited for most of the time, and still ran for long enough", ranMs: 300, waitedMs: 1000, starved: false },
])("$what: nothing follows from its silence: $starved", ({ ranMs, waitedMs, starved }) => {
  expect(isStarved({ elapsedMs: Math.max(300, ranMs + waitedMs), ranMs, waitedMs })).toBe(starved);
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
