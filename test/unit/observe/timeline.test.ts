import { describe, expect, it } from "vitest";
import { Timeline } from "../../../src/observe/timeline.ts";

describe("the time line", () => {
  it("tells in order what happened", () => {
    const timeline = new Timeline();
    timeline.add({ at: 1, type: "started" });
    timeline.add({ at: 2, type: "crashed", slot: 0, pid: 10, why: "crashed", code: 7 });
    expect(timeline.events).toEqual([
      { at: 1, type: "started", times: 1 },
      { at: 2, type: "crashed", slot: 0, pid: 10, why: "crashed", code: 7, times: 1 },
    ]);
  });

  it("tells a crash loop once, at its newest end, and keeps what happened before it", () => {
    const timeline = new Timeline();
    timeline.add({ at: 0, type: "reload failed", generation: 2, error: "broken" });
    for (let at = 1; at <= 500; at++) timeline.add({ at, type: "crashed", slot: at % 4, pid: at, why: "crashed" });
    expect(timeline.events).toHaveLength(5);
    expect(timeline.events[0]).toMatchObject({ type: "reload failed" });
    expect(timeline.events.at(-1)).toMatchObject({ at: 500, slot: 0, pid: 500, times: 125 });
  });

  it("tells apart other slots, other reasons, other errors, and what concerns no slot", () => {
    const timeline = new Timeline();
    timeline.add({ at: 1, type: "crashed", slot: 0, why: "crashed" });
    timeline.add({ at: 2, type: "crashed", slot: 1, why: "crashed" });
    timeline.add({ at: 3, type: "crashed", slot: 0, why: "killed from outside" });
    timeline.add({ at: 4, type: "uncaught exception", slot: 0, error: "a" });
    timeline.add({ at: 5, type: "uncaught exception", slot: 0, error: "b" });
    timeline.add({ at: 6, type: "scaled", target: 3 });
    timeline.add({ at: 7, type: "scaled", target: 3 });
    expect(timeline.events.map(({ times }) => times)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  it("is bounded in its length and in its texts", () => {
    const timeline = new Timeline();
    for (let at = 0; at < 300; at++)
      timeline.add({ at, type: "hung", slot: at, error: "e".repeat(9999), stack: "s".repeat(99_999) });
    expect(timeline.events).toHaveLength(100);
    expect(timeline.events[0]?.at).toBe(200);
    expect(JSON.stringify(timeline.events).length).toBeLessThan(600_000);
  });

  it("tells the same application error once, of whatever request, and keeps the newest twenty beside all else", () => {
    const timeline = new Timeline();
    timeline.add({ at: 0, type: "hung", slot: 0 });
    for (let at = 1; at <= 50; at++)
      timeline.add({ at, type: "application error", slot: at % 4, request: `GET /${at}`, error: "no database" });
    expect(timeline.events.at(-1)).toMatchObject({ request: "GET /50", slot: 2, times: 50 });
    for (let at = 51; at <= 150; at++) timeline.add({ at, type: "application error", slot: 0, error: `no cart ${at}` });
    expect(timeline.events).toHaveLength(21);
    expect(timeline.events[0]).toMatchObject({ type: "hung" });
    expect(timeline.events[1]).toMatchObject({ error: "no cart 131" });
  });

  it("counts repetitions of an error that is cut", () => {
    const timeline = new Timeline();
    for (const at of [1, 2]) timeline.add({ at, type: "uncaught exception", slot: 0, error: "x".repeat(5000) });
    expect(timeline.events).toMatchObject([{ at: 2, times: 2 }]);
  });
});
