import { describe, expect, it } from "vitest";
import { causeOfExit, type Exit, isBegunByWorker } from "../../../src/master/exit-cause.ts";
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
    expect(causeOfExit(of, { usage: UNUSED, unwanted: undefined })).toBe(cause);
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
    const usage = { ...UNUSED, heapUsedBytes, heapLimitBytes: 100 };
    expect(causeOfExit(exit(signal, { code }), { usage, unwanted: undefined })).toBe(cause);
  });

  it.each([
    { code: 0, why: "terminated", cause: "terminated" },
    { code: 1, why: "terminated", cause: "crashed" },
    { code: 0, why: "unhealthy", cause: "exited by itself" },
  ] as const)("code $code of a worker that was unwanted because it was $why is $cause", ({ code, why, cause }) => {
    expect(causeOfExit(exit(null, { code }), { usage: UNUSED, unwanted: { why, notBefore: 0 } })).toBe(cause);
  });
});

describe("an end that was counted when it began", () => {
  it("is that of a worker that drains for a reason of its own, whatever it is killed for in the end", () => {
    for (const why of ["uncaught exception", "hung", "interpreter died"] as const)
      expect(isBegunByWorker({ name: "draining", why, deadline: 0 })).toBe(true);
  });

  it("is not that of one that hangs while it serves, or while it drains for another", () => {
    expect(isBegunByWorker({ name: "ready", since: 0, deadline: 0 })).toBe(false);
    expect(isBegunByWorker({ name: "draining", why: "reload", deadline: 0 })).toBe(false);
  });
});
