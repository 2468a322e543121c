import { describe, expect, test } from "vitest";
import { PythonWatch, type Watched, type WatchedCall } from "../../../../src/worker/wsgi/python-watch.ts";

const TIMEOUT_MS = 30_000;
const INTERVAL_MS = 1000;
const NOW = 1_000_000;

/** A call whose thread has been silent for so long. */
class Call implements WatchedCall {
  silentSince: number;
  readonly waitsForClient: boolean;

  constructor(silentMs: number, waitsForClient = false) {
    this.silentSince = NOW - silentMs;
    this.waitsForClient = waitsForClient;
  }

  postpone(ms: number): void {
    this.silentSince += ms;
  }
}

function watched(calls: readonly (WatchedCall | undefined)[], answersFor = Infinity): Watched & { postponed: number } {
  const one = {
    calls,
    postponed: 0,
    answers: (_now: number, patienceMs: number) => answersFor >= patienceMs,
    postpone: (ms: number) => void (one.postponed += ms),
  };
  return one;
}

const silent = (silentMs: number): Call => new Call(silentMs);

describe("an interpreter is hung", () => {
  test.each([
    ["its only thread has been silent for too long", watched([silent(30_000)]), 30_000],
    ["all of its threads have", watched([silent(31_000), silent(40_000)]), 40_000],
    ["it does not answer for as long, whatever other threads are at", watched([silent(5000), undefined], 29_999), 5000],
  ])("when %s", (_, python, silentMs) => {
    expect(new PythonWatch(TIMEOUT_MS, INTERVAL_MS).hungFor(NOW, python)).toBe(silentMs);
  });

  test.each([
    ["it has nothing to do", watched([undefined], 0)],
    ["its thread has said something lately", watched([silent(29_999)])],
    ["one thread has time", watched([silent(90_000), undefined])],
    ["one thread has said something lately", watched([silent(90_000), silent(2000)])],
    ["what it waits for is its client", watched([new Call(90_000, true)])],
    ["it has not been silent for long enough to be asked", watched([silent(999)], 0)],
  ])("not when %s", (_, python) => {
    expect(new PythonWatch(TIMEOUT_MS, INTERVAL_MS).hungFor(NOW, python)).toBeUndefined();
  });
});

describe("time in which the worker itself did not run", () => {
  test("counts for nobody: a stop, a suspended machine, a blocked event loop", () => {
    const watch = new PythonWatch(TIMEOUT_MS, INTERVAL_MS);
    const python = watched([silent(1000)]);
    watch.begin(NOW, python);
    expect(watch.hungFor(NOW, python)).toBeUndefined();
    const later = NOW + 3_600_000;
    watch.begin(later, python);
    expect(watch.hungFor(later, python)).toBeUndefined();
    expect(python.postponed).toBe(3_600_000 - INTERVAL_MS);
    const last = later + 30_000;
    for (let now = later + INTERVAL_MS; now <= last; now += INTERVAL_MS) watch.begin(now, python);
    expect(watch.hungFor(last, python)).toBeGreaterThanOrEqual(TIMEOUT_MS);
  });

  test("does not excuse it for ever where looks are late again and again", () => {
    const watch = new PythonWatch(TIMEOUT_MS, INTERVAL_MS);
    const python = watched([silent(0)]);
    let now = NOW;
    for (let look = 0; look < 40; look++, now += 2000) {
      watch.begin(now, python);
      if (watch.hungFor(now, python) !== undefined) return;
    }
    expect.fail("it was never judged");
  });

  test("is told from a look that is a little late", () => {
    const watch = new PythonWatch(TIMEOUT_MS, INTERVAL_MS);
    const python = watched([silent(0)]);
    watch.begin(NOW, python);
    watch.begin(NOW + INTERVAL_MS + 400, python);
    expect(python.postponed).toBe(0);
  });
});
