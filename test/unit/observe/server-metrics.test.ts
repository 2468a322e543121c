import { describe, expect, it, test } from "vitest";
import { familyText } from "../../../src/observe/exposition.ts";
import { metricsPage } from "../../../src/observe/metrics-page.ts";
import { METRICS, serverMetrics } from "../../../src/observe/server-metrics.ts";
import { DURATION_BOUNDS_MS } from "../../../src/worker-stats.ts";
import { readMetrics } from "../../support/metrics-text.ts";
import { observation } from "./observation.ts";
import { statsWith } from "./totals.ts";

const text = (labels = {}, seen = observation()): string =>
  serverMetrics(seen)
    .map((family) => familyText(family, labels))
    .join("");

test("docs/metrics.md says what the table says (npm run docs writes it anew)", async () => {
  await expect(metricsPage()).toMatchFileSnapshot("../../../docs/metrics.md");
});

describe("the table of metrics", () => {
  it.each(Object.entries(METRICS))("%s is named as Prometheus asks, and explained", (name, { type, labels, help }) => {
    expect(name).toMatch(/^tsgate(?:_[a-z0-9]+)+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(help).toMatch(/^[A-Z0-9].*[^.]$/);
    if (type === "histogram") expect(labels).toContain("le");
  });

  it("says of each series which labels it has", () => {
    const { series } = readMetrics(text());
    const named = new Map<string, Set<string>>();
    for (const one of series.keys()) {
      const [, name = "", labels = ""] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})?$/.exec(one) ?? [];
      const key = name in METRICS ? name : (/^\w+/.exec(one)?.[0] ?? "");
      for (const [, label = ""] of labels.matchAll(/(\w+)="/g))
        named.set(key, (named.get(key) ?? new Set()).add(label));
    }
    for (const [name, { labels }] of Object.entries(METRICS))
      expect([...(named.get(name) ?? [])].sort(), name).toEqual([...labels].sort());
  });
});

describe("the text", () => {
  it("has every metric with its type and its help", () => {
    const { types, helps } = readMetrics(text());
    expect([...types]).toEqual(Object.entries(METRICS).map(([name, { type }]) => [name, type]));
    expect([...helps.keys()]).toEqual(Object.keys(METRICS));
  });

  it("gives every series the server's name, when it has one", () => {
    const { series } = readMetrics(text({ name: 'my "shop"\\' }));
    for (const one of series.keys()) expect(one).toContain(String.raw`name="my \"shop\"\\"`);
  });

  it("has all outcomes from the start, so that the first time is an increase", () => {
    const { series } = readMetrics(text());
    for (const outcome of ["done", "failed", "superseded"])
      expect(series.get(`tsgate_reloads_total{outcome="${outcome}"}`)).toBe(0);
    for (const status of ["2xx", "3xx", "4xx", "5xx", "none"])
      expect(series.has(`tsgate_requests_total{mount="/",status="${status}"}`)).toBe(true);
  });

  it("shows durations in coarser buckets, none lost and none counted twice", () => {
    const seen = observation();
    const totals = { ...seen.totals, durations: [...DURATION_BOUNDS_MS.map(() => 1), 1], durationMs: 1234 };
    const { series } = readMetrics(text({}, { ...seen, totals }));
    const buckets = [...series].filter(([one]) => one.startsWith("tsgate_request_duration_seconds_bucket"));
    for (const [one, value] of buckets) {
      const bound = Number(/le="([^"]+)"/.exec(one)?.[1]?.replace("+Inf", "Infinity"));
      const expected = [...DURATION_BOUNDS_MS, Number.POSITIVE_INFINITY].filter((ms) => ms <= bound * 1000).length;
      expect(value, one).toBe(expected);
    }
    expect(buckets).toHaveLength(14);
    expect(series.get('tsgate_request_duration_seconds_count{mount="/"}')).toBe(DURATION_BOUNDS_MS.length + 1);
    expect(series.get('tsgate_request_duration_seconds_sum{mount="/"}')).toBe(1.234);
  });

  it("tells of a slot with two workers what the one that serves does", () => {
    const seen = observation();
    const [worker] = seen.workers;
    if (worker === undefined) throw new Error("no worker");
    const withMemory = (rssBytes: number): typeof worker.stats => {
      const stats = statsWith({});
      return { ...stats, load: { ...stats.load, rssBytes } };
    };
    const booting = { ...worker, id: 9, state: "booting", stats: undefined } as const;
    const ready = { ...worker, id: 8, state: "ready", stats: withMemory(8) } as const;
    const draining = { ...worker, id: 7, state: "draining", stats: withMemory(7) } as const;
    const memory = 'tsgate_process_resident_memory_bytes{role="worker",slot="0"}';
    const told = (workers: typeof seen.workers): number | undefined =>
      readMetrics(text({}, { ...seen, workers })).series.get(memory);
    expect(told([draining, ready, booting])).toBe(8);
    expect(told([booting, ready, draining])).toBe(8);
    expect(told([draining, booting])).toBe(7);
    expect(told([booting])).toBeUndefined();
  });

  it("leaves out what the system does not tell", () => {
    const seen = observation();
    const listeners = seen.listeners.map((one) => ({ ...one, queued: undefined }));
    const master = { ...seen.master, openFds: null, maxFds: null };
    const { types } = readMetrics(text({}, { ...seen, listeners, master, workers: [] }));
    for (const name of ["tsgate_accept_queue_length", "tsgate_process_open_fds", "tsgate_process_max_fds"])
      expect(types.has(name)).toBe(false);
  });
});
