import type { Profiler } from "node:inspector";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWorkerProfile, MOST_CALLS, type ProfiledCall } from "../../../src/worker-profile.ts";
import { summarize } from "../../../src/worker/profile-summary.ts";

type Node = Profiler.ProfileNode;

const OPTIONS = {
  isUsers: (url: string) => !url.startsWith("node:"),
  placeOf: (url: string, line: number) => ({ file: url, line }),
};

/** A tree as nested lists: `[name, url, line, hits, ...children]`; line counts from 1. */
type Tree = readonly [name: string, url: string, line: number, hits: number, ...children: Tree[]];

function profileOf(...tops: readonly Tree[]): Profiler.Profile {
  const nodes: Node[] = [];
  const add = ([functionName, url, line, hitCount, ...inner]: Tree): number => {
    const id = nodes.length + 1;
    const callFrame = { functionName, url, scriptId: "1", lineNumber: line - 1, columnNumber: 0 };
    const node: Node = { id, callFrame, hitCount };
    nodes.push(node);
    node.children = inner.map(add);
    return id;
  };
  add(["(root)", "", 0, 0, ...tops]);
  return { nodes, startTime: 0, endTime: 1_000_000 };
}

const program = (hits: number): Tree => ["(program)", "", 0, hits];
const idle = (hits: number): Tree => ["(idle)", "", 0, hits];

describe("a profile's summary", () => {
  it("tells idle, collection and what is outside apart from what the application does", () => {
    const collection: Tree = ["(garbage collector)", "", 0, 10];
    const summary = summarize(profileOf(idle(50), program(5), collection, ["handler", "/app.js", 3, 35]), OPTIONS);
    expect(summary).toMatchObject({ durationMs: 1000, samples: 100, idle: 0.5, garbageCollection: 0.1, outside: 0.05 });
    expect(summary.calls).toEqual([
      { name: "handler", file: "/app.js", line: 3, isUsers: true, self: 0.35, total: 0.35, calls: [] },
    ]);
  });

  it("begins with the application's frames, wherever Node has called them", () => {
    const handler: Tree = ["handler", "/app.js", 3, 60];
    const emit: Tree = ["emit", "node:events", 9, 10, ["parserOnHead", "node:_http_server", 9, 10, handler]];
    const { calls, outside } = summarize(profileOf(emit, idle(20)), OPTIONS);
    expect(calls).toMatchObject([{ name: "handler", total: 0.6 }]);
    expect(outside).toBe(0.2);
  });

  it("counts what a function of Node does for the function that the application called", () => {
    const read: Tree = ["readFileSync", "node:fs", 9, 10, ["open", "node:internal/fs", 9, 30, ["open", "", 0, 40]]];
    const { calls } = summarize(profileOf(["load", "/app.js", 3, 20, read]), OPTIONS);
    expect(calls).toMatchObject([
      {
        name: "load",
        self: 0.2,
        total: 1,
        calls: [{ name: "readFileSync", file: "node:fs", isUsers: false, self: 0.8, total: 0.8, calls: [] }],
      },
    ]);
  });

  it("shows a function that calls itself once", () => {
    const fib = (...inner: readonly Tree[]): Tree => ["fib", "/app.js", 1, 10, ...inner];
    const { calls } = summarize(profileOf(["work", "/app.js", 5, 0, fib(fib(fib()), fib())]), OPTIONS);
    expect(calls[0]?.calls).toMatchObject([{ name: "fib", self: 1, total: 1, calls: [] }]);
  });

  it("has the hottest first and leaves out what is below one percent", () => {
    const tops: Tree[] = [
      ["cold", "/app.js", 1, 9],
      ["warm", "/app.js", 2, 200],
      ["hot", "/app.js", 3, 791],
    ];
    expect(summarize(profileOf(...tops), OPTIONS).calls.map(({ name }) => name)).toEqual(["hot", "warm"]);
  });

  it("names the line that was on top most often, by its end, and the function's own by its column", () => {
    const profile = profileOf(["spin", "/app.js", 3, 10], ["flat", "/min.js", 1, 10]);
    const asked: unknown[] = [];
    const placeOf = (...place: [string, number, number]): { file: string; line: number } => {
      asked.push(place);
      return { file: "/src/app.ts", line: 7 };
    };
    Object.assign(profile.nodes[1] as Node, {
      positionTicks: [
        { line: 4, ticks: 2 },
        { line: 5, ticks: 3 },
        { line: 4, ticks: 5 },
      ],
    });
    Object.assign(profile.nodes[2]?.callFrame as Node["callFrame"], { columnNumber: 41 });
    const { calls } = summarize(profile, { ...OPTIONS, placeOf });
    expect(asked).toEqual([
      ["/app.js", 4, 1_000_000],
      ["/min.js", 1, 42],
    ]);
    expect(calls).toMatchObject([{ file: "/src/app.ts", line: 7 }, {}]);
  });

  it("of nothing is nothing", () => {
    expect(summarize({ nodes: [], startTime: 0, endTime: 0 }, OPTIONS)).toMatchObject({
      samples: 0,
      idle: 0,
      calls: [],
    });
  });

  it("of whatever profile is one that the master takes, whose shares add up", () => {
    const url = fc.constantFrom("/app.js", "/lib.js", "node:fs", "");
    const name = fc.constantFrom("a", "b", "c", "(idle)", "");
    const treeOf = (depth: number): fc.Arbitrary<Tree> =>
      fc
        .tuple(
          name,
          url,
          fc.nat(9),
          fc.nat(100),
          depth === 0 ? fc.constant([]) : fc.array(treeOf(depth - 1), { maxLength: 3 }),
        )
        .map(([own, file, line, hits, calls]): Tree => [own, file, line, hits, ...calls]);
    const isSound = ({ self, total, calls }: ProfiledCall): boolean =>
      calls.every(isSound) &&
      self + calls.reduce((sum, call) => sum + call.total, 0) <= total + 0.01 * (1 + calls.length);
    fc.assert(
      fc.property(fc.array(treeOf(4), { maxLength: 5 }), (trees) => {
        const summary = summarize(profileOf(...trees), OPTIONS);
        expect(isWorkerProfile(JSON.parse(JSON.stringify(summary)))).toBe(true);
        expect(summary.calls.every(isSound)).toBe(true);
        const { idle: waiting, garbageCollection, outside, calls } = summary;
        const sum = calls.reduce((all, { total }) => all + total, waiting + garbageCollection + outside);
        expect(sum).toBeLessThanOrEqual(1.01);
      }),
    );
  });
});

describe("what a worker says that is no profile", () => {
  const call = { name: "f", file: "", line: 0, isUsers: true, self: 1, total: 1, calls: [] };
  const good = { durationMs: 1, samples: 1, idle: 0, garbageCollection: 0, outside: 0, calls: [call] };
  const deep = (levels: number): object => (levels === 0 ? call : { ...call, calls: [deep(levels - 1)] });

  it.each([
    ["nothing", undefined],
    ["a number for a text", { ...good, calls: [{ ...call, name: 1 }] }],
    ["a text for a number", { ...good, idle: "0" }],
    ["no list", { ...good, calls: {} }],
    ["too deep", { ...good, calls: [deep(40)] }],
    ["too long", { ...good, calls: Array.from({ length: MOST_CALLS + 1 }, () => call) }],
  ])("%s is refused", (_what, value) => {
    expect(isWorkerProfile(good)).toBe(true);
    expect(isWorkerProfile(value)).toBe(false);
  });
});
