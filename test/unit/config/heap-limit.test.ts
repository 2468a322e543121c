import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heapArgs, type HeapFacts, heapLimitFor } from "../../../src/config/heap-limit.ts";
import { oldSpaceOption } from "../../../src/heap-option.ts";

const MB = 1024 ** 2;

function facts(memoryLimit: number | undefined, workers: number, given: Partial<HeapFacts> = {}): HeapFacts {
  return { memoryLimit, workers, nodeArgs: [], nodeOptions: undefined, ...given };
}

describe("the heap limit of a worker", () => {
  test.each([
    [1024 * MB, 2, 346, "75 % of (memory limit of 1 GB - 100 MB) / 2"],
    [512 * MB, 1, 309, "75 % of (memory limit of 512 MB - 100 MB) / 1"],
    [2048 * MB, 4, 365, "75 % of (memory limit of 2 GB - 100 MB) / 4"],
    [64 * 1024 * MB, 8, 6134, "75 % of (memory limit of 64 GB - 100 MB) / 8"],
  ])("under a limit of %d bytes for %d workers is %d MB", (memoryLimit, workers, megabytes, reason) => {
    expect(heapLimitFor(facts(memoryLimit, workers))).toEqual({ megabytes, reason, isTooSmall: false });
    expect(heapArgs(facts(memoryLimit, workers))).toEqual([`--max-old-space-size=${megabytes}`]);
  });

  test("is Node's own without a memory limit", () => {
    expect(heapLimitFor(facts(undefined, 4))).toEqual({ megabytes: undefined, reason: undefined, isTooSmall: false });
    expect(heapArgs(facts(undefined, 4))).toEqual([]);
  });

  test.each([
    [128 * MB, 2],
    [100 * MB, 1],
    [64 * MB, 1],
  ])("is Node's own where it would be too small to boot with: %d bytes, %d workers", (memoryLimit, workers) => {
    expect(heapLimitFor(facts(memoryLimit, workers))).toMatchObject({ megabytes: undefined, isTooSmall: true });
    expect(heapArgs(facts(memoryLimit, workers))).toEqual([]);
  });

  test.each<[Partial<HeapFacts>, string]>([
    [{ nodeArgs: ["--max-old-space-size=200"] }, "--node-arg"],
    [{ nodeArgs: ["--enable-source-maps", "--max_old_space_size=200"] }, "--node-arg"],
    [{ nodeArgs: ["--max-heap-size=200"] }, "--node-arg"],
    [{ nodeArgs: ["--max-old-space-size-percentage=50"] }, "--node-arg"],
    [{ nodeOptions: "--max-old-space-size=200" }, "$NODE_OPTIONS"],
    [{ nodeOptions: "--import tsx '--max-old-space-size=200'" }, "$NODE_OPTIONS"],
  ])("is the user's own where one is given: %j", (given, reason) => {
    const limit = heapLimitFor(facts(1024 * MB, 1, given));
    expect(limit).toEqual({ megabytes: undefined, reason, isTooSmall: false });
  });

  test.each<Partial<HeapFacts>>([
    { nodeArgs: ["--max-semi-space-size=16"] },
    { nodeOptions: "--max-http-header-size=65536" },
    { nodeOptions: "" },
  ])("is not taken for given by other options: %j", (given) => {
    expect(heapLimitFor(facts(512 * MB, 1, given)).megabytes).toBe(309);
  });

  test("leaves room for all workers, the master and what V8 does not count", () => {
    const limits = fc.integer({ min: 1, max: 2 ** 40 });
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 4096 }), (memoryLimit, workers) => {
        const { megabytes } = heapLimitFor(facts(memoryLimit, workers));
        if (megabytes === undefined) return;
        expect(megabytes).toBeGreaterThanOrEqual(32);
        expect(megabytes * MB * workers).toBeLessThanOrEqual(0.75 * (memoryLimit - 100 * MB) + 1);
      }),
    );
  });
});

test.each<[readonly string[], string | undefined, number | undefined]>([
  [["--max-old-space-size=200"], undefined, 200],
  [["--max-old-space-size=200", "--max-old-space-size=300"], undefined, 300],
  [["--max-old-space-size=200"], "--max-old-space-size=100", 200],
  [[], "--max_old_space_size=100", 100],
  [[], "--max-old-space-size 100", 100],
  [["--max-heap-size=200"], undefined, Number.NaN],
  [["--max-old-space-size-percentage=50"], undefined, Number.NaN],
  [[], "--enable-source-maps", undefined],
  [[], undefined, undefined],
])("the old space of %j with NODE_OPTIONS %j is %d MB", (args, nodeOptions, megabytes) => {
  expect(oldSpaceOption(args, nodeOptions)).toEqual(megabytes);
});
