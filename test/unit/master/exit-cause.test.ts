import { describe, expect, it } from "vitest";
import { causeOfExit, type Exit } from "../../../src/master/exit-cause.ts";
import { UNUSED } from "../../../src/master/recycling.ts";

function exit(signal: string | null, { code = null, isOomKill = false }: Partial<Exit> = {}): Exit {
  return { code, signal, isOomKill };
}

describe("what a worker died of when nobody had asked for it", () => {
  it.each([
    { of: exit("SIGKILL", { isOomKill: true }), cause: "out of memory: killed by the kernel" },
    { of: exit("SIGKILL"), cause: "killed from outside" },
    { of: exit("SIGTERM"), cause: "killed from outside" },
    { of: exit("SIGTERM", { isOomKill: true }), cause: "killed from outside" },
    { of: exit("SIGABRT"), cause: "crashed" },
    { of: exit("SIGSEGV"), cause: "crashed" },
    { of: exit(null, { code: 0 }), cause: "exited by itself" },
    { of: exit(null, { code: 7 }), cause: "crashed" },
    { of: exit(null), cause: "crashed" },
  ])("$of is $cause", ({ of, cause }) => {
    expect(causeOfExit(of, UNUSED)).toBe(cause);
  });

  it.each([
    { heapUsedBytes: 75, signal: "SIGABRT", cause: "out of memory: heap limit" },
    { heapUsedBytes: 120, signal: "SIGABRT", cause: "out of memory: heap limit" },
    { heapUsedBytes: 120, signal: "SIGTRAP", cause: "out of memory: heap limit" },
    { heapUsedBytes: 74, signal: "SIGABRT", cause: "crashed" },
    { heapUsedBytes: 120, signal: "SIGTERM", cause: "killed from outside" },
    { heapUsedBytes: 120, signal: null, cause: "crashed" },
  ])("$signal with a heap that was $heapUsedBytes % full is $cause", ({ heapUsedBytes, signal, cause }) => {
    const code = signal === null ? 1 : null;
    expect(causeOfExit(exit(signal, { code }), { ...UNUSED, heapUsedBytes, heapLimitBytes: 100 })).toBe(cause);
  });
});
