/** What the comparison makes of its rounds. */

import { describe, expect, test } from "vitest";
import { comparisonFigures, comparisonPage } from "../../bench/lib/comparison-page.mjs";

const round = (micros: number) => ({ micros, requests: 100, perSecond: 1000, errors: 0, p50Ms: 1, p99Ms: 2 });
const rounds = (...micros: number[]) => ({ rounds: micros.map(round), memoryMb: 40 });

const RESULTS = {
  hello: {
    "tsgate, gateway": rounds(6, 6, 12),
    "engine, gateway": rounds(7, 7, 7),
    "node:http": rounds(10, 10, 20),
    Bun: { rounds: [], problem: "it did not start" },
  },
};

describe("a figure", () => {
  const figures = comparisonFigures(RESULTS);

  test("is told for the server and the engine where both sides were measured", () =>
    expect(figures.map(({ name }) => name)).toEqual([
      "hello on kept connections: tsgate, gateway; node:http = 1",
      "hello on kept connections: engine, gateway; node:http = 1",
    ]));

  test("is the median of the rounds' ratios, and met or missed", () =>
    expect(figures.map(({ reached, isReached }) => [reached, isReached])).toEqual([
      ["0.600 ×", true],
      ["0.700 ×", false],
    ]));

  test("of workers is not asked of the engine in one process", () => {
    const one = rounds(1);
    const fresh = { "tsgate, fetch": one, "engine, fetch": one, "node:cluster": one };
    expect(comparisonFigures({ fresh }).map(({ name }) => name)).toEqual([
      "a fresh connection each, 4 workers: tsgate, fetch; node:cluster = 1",
    ]);
  });
});

describe("the page", () => {
  const servers = Object.keys(RESULTS.hello).map((name) => ({ name, how: `how ${name}`, version: "1.2.3" }));
  const missing = { Watt: "needs another Node" };
  const { markdown, plots } = comparisonPage({ name: "node-99", servers, missing, results: RESULTS });

  test("shows medians with their spread, and a dash for what was not measured", () => {
    expect(markdown).toContain("| tsgate, gateway | 6.0 (6.0 to 12.0) |");
    expect(markdown).toContain("| Bun | – |");
  });

  test("names what is missing, and why", () => {
    expect(markdown).toContain("- Watt: needs another Node");
    expect(markdown).toContain("- Bun, hello on kept connections: it did not start");
  });

  test("has plots only of workloads that were run", () => {
    expect(Object.keys(plots)).toEqual(["benchmarks-node-99-kept.svg"]);
    expect(markdown).toContain("](benchmarks-node-99-kept.svg)");
  });

  test("counts what failed in reloads", () => {
    const reload = { PM2: { rounds: [{ ...round(1), errors: 3 }, round(1)] } };
    const page = comparisonPage({ name: "x", servers: [], missing: {}, results: { reload } });
    expect(page.markdown).toContain("| PM2 | 3 | 200 |");
  });
});
