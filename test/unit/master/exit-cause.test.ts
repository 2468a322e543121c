import { describe, expect, it } from "vitest";
import { causeOfExit, type Exit } from "../../../src/master/exit-cause.ts";
import { UNUSED } from "../../../src/master/recycling.ts";

const LIMIT = { limitBytes: 100 };

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
    { usedBytes: 75, signal: "SIGABRT", cause: "out of memory: heap limit" },
    { usedBytes: 120, signal: "SIGABRT", cause: "out of memory: heap limit" },
    { usedBytes: 120, signal: "SIGTRAP", cause: "out of memory: heap limit" },
    { usedBytes: 74, signal: "SIGABRT", cause: "crashed" },
    { usedBytes: 120, signal: "SIGTERM", cause: "killed from outside" },
    { usedBytes: 120, signal: null, cause: "crashed" },
  ])("$signal with a heap that was $usedBytes % full is $cause", ({ usedBytes, signal, cause }) => {
    const code = signal === null ? 1 : null;
    expect(causeOfExit(exit(signal, { code }), { ...UNUSED, heap: { usedBytes, ...LIMIT } })).toBe(cause);
  });
});
