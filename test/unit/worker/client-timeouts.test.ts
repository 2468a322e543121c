/** When a connection is cut: each timeout by itself, and clients of every pace played against the turns of the sweep. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BYTES_A_SECOND,
  type ClientLimits,
  judge,
  judgeQueue,
  type Look,
  newWatch,
  shortestOf,
} from "../../../src/worker/client-timeouts.ts";

const LIMITS: ClientLimits = { headersMs: 15_000, bodyMs: 30_000, sendMs: 60_000, responseMs: 10_000 };
const TURN_MS = 375;

const look = (seen: Partial<Look>): Look => ({
  waitsFor: "nothing",
  of: undefined,
  bytesRead: 0,
  hasUnsent: false,
  bytesTaken: 0,
  ...seen,
});

/** Looks every turn from `phaseMs` on at what `at` says of that instant; the verdict, and when it came. */
function play(
  at: (now: number) => Partial<Look>,
  { limits = LIMITS, phaseMs = 0, untilMs = 200_000, queued = (_now: number): number | undefined => undefined } = {},
): { timeout: string; cutAt: number } | undefined {
  const watch = newWatch(0);
  for (let now = phaseMs; now <= untilMs; now += TURN_MS) {
    const verdict = judge(watch, look(at(now)), limits, now);
    const timeout = verdict === "ask" ? judgeQueue(watch, queued(now), limits, now) : verdict;
    if (timeout !== undefined) return { timeout, cutAt: now };
  }
  return undefined;
}

describe("a connection is cut", () => {
  it.each<[string, Partial<Look>, string, number]>([
    ["that never sends anything", { waitsFor: "head", of: 0 }, "headers", 15_000],
    ["whose request does not go on", { waitsFor: "body", of: "r" }, "body", 30_000],
    ["whose application does not begin to answer", { waitsFor: "reply", of: "r" }, "response", 10_000],
    ["whose client takes nothing", { hasUnsent: true, bytesTaken: 7 }, "send", 60_000],
  ])("%s", (_, seen, timeout, ms) => {
    const result = play(() => seen);
    expect(result?.timeout).toBe(timeout);
    expect(result?.cutAt).toBeGreaterThanOrEqual(ms);
    expect(result?.cutAt).toBeLessThan(ms + 2 * TURN_MS);
  });

  it("never where there is no limit, and never for nothing", () => {
    const limits = { headersMs: 0, bodyMs: 0, sendMs: 0, responseMs: 0 };
    for (const waitsFor of ["head", "body", "reply", "nothing"] as const)
      expect(play(() => ({ waitsFor, of: 1, hasUnsent: true }), { limits })).toBeUndefined();
    expect(play(() => ({ waitsFor: "nothing" }))).toBeUndefined();
  });
});

describe("another one is timed anew", () => {
  it.each(["head", "body", "reply"] as const)("%s", (waitsFor) => {
    expect(play((now) => ({ waitsFor, of: Math.floor(now / 9000) }))).toBeUndefined();
  });

  it("when the application, and not the client, was waited for in between", () => {
    expect(play((now) => ({ waitsFor: now % 20_000 < 1000 ? "reply" : "body", of: "r" }))).toBeUndefined();
  });
});

describe("a head", () => {
  it("may come with any pace within its time, and not after", () => {
    const result = play((now) => ({ waitsFor: "head", of: 0, bytesRead: now }));
    expect(result?.timeout).toBe("headers");
  });
});

describe("a body", () => {
  it("goes on for hours at a pace of its own", () => {
    const bytesRead = (now: number): number => (now / 1000) * BYTES_A_SECOND * 1.3;
    expect(
      play((now) => ({ waitsFor: "body", of: "r", bytesRead: bytesRead(now) }), { untilMs: 7.2e6 }),
    ).toBeUndefined();
  });

  it("is silent at one byte a second", () => {
    const result = play((now) => ({ waitsFor: "body", of: "r", bytesRead: Math.floor(now / 1000) }));
    expect(result?.cutAt).toBeLessThan(30_000 + 2 * TURN_MS);
  });

  it("is timed from when it stopped, however much came before", () => {
    const result = play((now) => ({ waitsFor: "body", of: "r", bytesRead: 1e6 * Math.min(now / 1000, 100) }));
    expect(result?.cutAt).toBeGreaterThanOrEqual(130_000);
    expect(result?.cutAt).toBeLessThan(130_000 + 2 * TURN_MS);
  });

  it("is cut exactly when it is below the pace for as long as the timeout", () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 45_000 }), fc.integer({ min: 0, max: 20_000 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: TURN_MS - 1 }), (arrivals, phaseMs) => {
        const times: { at: number; total: number }[] = [];
        let [at, total] = [0, 0];
        for (const [gapMs, bytes] of arrivals) times.push({ at: (at += gapMs), total: (total += bytes) });
        const bytesRead = (now: number): number => times.findLast((arrival) => arrival.at <= now)?.total ?? 0;
        const endMs = at + 200_000;
        const result = play((now) => ({ waitsFor: "body", of: "r", bytesRead: bytesRead(now) }), {
          phaseMs,
          untilMs: endMs,
        });
        // In the end it is silent for ever.
        if (result === undefined) return false;
        const { cutAt } = result;
        const due = (LIMITS.bodyMs / 1000) * BYTES_A_SECOND;
        // Before the cut it was too slow for all of the timeout,
        const within = bytesRead(cutAt) - bytesRead(cutAt - LIMITS.bodyMs);
        // and at no time before that for much longer.
        for (let from = phaseMs; from < cutAt - LIMITS.bodyMs - 2 * TURN_MS; from += 1000) {
          const until = from + LIMITS.bodyMs + 2 * TURN_MS;
          if (bytesRead(until) - bytesRead(from) === 0) return false;
        }
        return within < due && cutAt >= LIMITS.bodyMs;
      }),
    );
  });
});

describe("what is to be sent", () => {
  it("may wait while the kernel takes some of it every now and then", () => {
    expect(play((now) => ({ hasUnsent: true, bytesTaken: Math.floor(now / 50_000) }))).toBeUndefined();
  });

  it("does not count as taken because the application writes more", () => {
    expect(play(() => ({ hasUnsent: true, bytesTaken: 7 }))?.timeout).toBe("send");
  });

  it("is timed anew after there was nothing to send", () => {
    expect(play((now) => ({ hasUnsent: now % 40_000 > 1000, bytesTaken: 7 }))).toBeUndefined();
  });

  it("may wait while the client's side acknowledges what the kernel has taken", () => {
    const queued = (now: number): number => 4e6 - Math.floor(now / 30_000) * 300_000;
    expect(play(() => ({ hasUnsent: true, bytesTaken: 7 }), { queued })).toBeUndefined();
  });

  it("is cut when the client's side has stopped to", () => {
    const queued = (now: number): number => 4e6 - Math.min(Math.floor(now / 30_000), 2) * 300_000;
    const result = play(() => ({ hasUnsent: true, bytesTaken: 7 }), { queued });
    expect(result?.timeout).toBe("send");
    expect(result?.cutAt).toBeGreaterThanOrEqual(120_000);
    expect(result?.cutAt).toBeLessThanOrEqual(180_000 + 2 * TURN_MS);
  });

  it("is cut though the kernel tells only the second time, or only the first", () => {
    for (const isTold of [(now: number) => now > 30_000, (now: number) => now < 30_000])
      expect(
        play(() => ({ hasUnsent: true, bytesTaken: 7 }), { queued: (now) => (isTold(now) ? 4e6 : undefined) })?.timeout,
      ).toBe("send");
  });

  it("is judged while the request, or the answer, is waited for as well", () => {
    for (const waitsFor of ["body", "reply"] as const) {
      const limits = { ...LIMITS, bodyMs: 0, responseMs: 0 };
      expect(play(() => ({ waitsFor, of: "r", hasUnsent: true }), { limits })?.timeout).toBe("send");
    }
  });
});

describe("the shortest timeout", () => {
  it("is of those that there are", () => {
    expect(shortestOf(LIMITS)).toBe(10_000);
    expect(shortestOf({ ...LIMITS, responseMs: 0 })).toBe(15_000);
    expect(shortestOf({ headersMs: 0, bodyMs: 0, sendMs: 0, responseMs: 0 })).toBe(Infinity);
  });
});
