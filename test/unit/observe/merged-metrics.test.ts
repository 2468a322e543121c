/** Merging the metrics of workers, against what prom-client itself makes of them. */

import fc from "fast-check";
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry, Summary } from "prom-client";
import { describe, expect, it } from "vitest";
import { type ApplicationMetric, areApplicationMetrics, seriesText } from "../../../src/application-metrics.ts";
import { applicationText } from "../../../src/observe/exposition.ts";
import { KeptMetrics, type MergedMetric, MetricsMerger } from "../../../src/observe/merged-metrics.ts";
import { readMetrics } from "../../support/metrics-text.ts";

type Told = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>[number];

/** What a worker makes of what prom-client tells. */
function toMetric(told: Told): ApplicationMetric {
  const { name, help, type, aggregator, values } = told as unknown as ApplicationMetric & {
    values: { value: number; labels: Record<string, string>; metricName?: string }[];
  };
  return {
    name,
    help,
    type,
    aggregator,
    series: values.map(({ value, labels, metricName }) => [seriesText(metricName ?? name, labels) ?? "", value]),
  };
}

function merged(lists: readonly (readonly ApplicationMetric[])[]): MergedMetric[] {
  const merger = new MetricsMerger();
  for (const list of lists) merger.add(list);
  return merger.result();
}

/** What one worker has counted. */
interface Work {
  readonly hits: readonly string[];
  readonly took: readonly number[];
  readonly level: number;
}

async function metricsOf({ hits, took, level }: Work): Promise<Told[]> {
  const registry = new Registry();
  const registers = [registry];
  const counter = new Counter({ name: "hits_total", help: "hits", labelNames: ["path", "code"], registers });
  const histogram = new Histogram({ name: "took_seconds", help: "took", buckets: [1, 2, 5], registers });
  const summary = new Summary({ name: "size_bytes", help: "size", registers });
  for (const path of hits) counter.inc({ code: "200", path });
  for (const seconds of took) {
    histogram.observe(seconds);
    summary.observe(seconds);
  }
  for (const aggregator of ["sum", "first", "min", "max", "average", "omit"] as const)
    new Gauge({ name: `level_${aggregator}`, help: "level", aggregator, registers }).set(level);
  return registry.getMetricsAsJSON();
}

const work: fc.Arbitrary<Work> = fc.record({
  hits: fc.array(fc.constantFrom("/", "/a", "/b\n", 'say "hi" \\'), { maxLength: 8 }),
  took: fc.array(fc.constantFrom(0.5, 1, 1.5, 3, 10), { maxLength: 8 }),
  level: fc.integer({ min: -100, max: 100 }),
});

describe("the metrics of several workers", () => {
  it("become what prom-client's AggregatorRegistry makes of them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(work, { minLength: 1, maxLength: 4 }), async (works) => {
        const told = await Promise.all(works.map((one) => metricsOf(one)));
        const theirs = readMetrics(
          (await AggregatorRegistry.aggregate(told).metrics()).replaceAll("\n\n", "\n").replace(/\n+$/, "\n"),
        );
        const ours = readMetrics(
          merged(told.map((list) => list.map(toMetric)))
            .map((metric) => applicationText(metric))
            .join(""),
        );
        expect(sorted(ours.series)).toEqual(sorted(theirs.series));
        for (const name of ours.types.keys()) expect(ours.types.get(name)).toBe(theirs.types.get(name));
      }),
      { numRuns: 50 },
    );
  });

  it("are left alone where only their names are the same", () => {
    const counter = metric("x", "counter", [["x", 3]]);
    const gauge = metric("x", "gauge", [["x", 5]]);
    expect(merged([[counter], [gauge]])).toMatchObject([{ type: "counter", series: new Map([["x", 3]]) }]);
    const narrow = metric("h", "histogram", [['h_bucket{le="1"}', 1]]);
    const wide = metric("h", "histogram", [['h_bucket{le="2"}', 1]]);
    expect(merged([[narrow], [wide]])[0]?.series).toEqual(new Map([['h_bucket{le="1"}', 1]]));
  });
});

describe("what a worker that has gone had counted", () => {
  it("is kept where it only grows", async () => {
    const kept = new KeptMetrics();
    const told = (await metricsOf({ hits: ["/a"], took: [1.5], level: 7 })).map(toMetric);
    kept.keep(told);
    kept.keep(told);
    const series = new Map(merged([told, kept.amongst(told)]).flatMap((one) => [...one.series]));
    expect(series.get('hits_total{code="200",path="/a"}')).toBe(3);
    expect(series.get('took_seconds_bucket{le="2"}')).toBe(3);
    expect(series.get("took_seconds_count")).toBe(3);
    expect(series.get("size_bytes_count")).toBe(3);
    expect(series.get('size_bytes{quantile="0.5"}')).toBe(1.5);
    expect(series.get("level_sum")).toBe(7);
  });

  it("is not told when no worker has such a metric any more, or has one of another shape", () => {
    const kept = new KeptMetrics();
    kept.keep([metric("h", "histogram", [['h_bucket{le="1"}', 1]]), metric("c", "counter", [["c", 1]])]);
    expect(kept.amongst([])).toEqual([]);
    expect(kept.amongst([metric("h", "histogram", [['h_bucket{le="2"}', 1]])])).toEqual([]);
    expect(kept.amongst([metric("c", "gauge", [["c", 1]])])).toEqual([]);
    expect(kept.amongst([metric("c", "counter", [["c", 1]])])).toHaveLength(1);
  });

  it("gives way to the newest shape", () => {
    const kept = new KeptMetrics();
    kept.keep([metric("h", "histogram", [['h_bucket{le="1"}', 1]])]);
    kept.keep([metric("h", "histogram", [['h_bucket{le="2"}', 4]])]);
    const live = metric("h", "histogram", [['h_bucket{le="2"}', 1]]);
    expect(kept.amongst([live])).toMatchObject([{ series: [['h_bucket{le="2"}', 4]] }]);
  });

  it("is bounded: labels that are new with each worker do not pile up for ever", () => {
    const kept = new KeptMetrics();
    for (let worker = 0; worker < 30; worker++) {
      const series = Array.from({ length: 1000 }, (_, index) => [`c{id="${worker}-${index}"}`, 1] as const);
      kept.keep([metric("c", "counter", series)]);
      const [held] = kept.amongst([metric("c", "counter", [])]);
      expect(held?.series.length ?? 0).toBeLessThanOrEqual(20_000);
    }
  });
});

describe("a histogram with labels, of which a new worker has observed nothing", () => {
  const fresh = metric("h", "histogram", []);
  const used = metric("h", "histogram", [['h_bucket{le="1"}', 2]]);

  it("is told as the other workers tell it", () => {
    for (const lists of [
      [[fresh], [used]],
      [[used], [fresh]],
    ])
      expect(merged(lists)).toMatchObject([{ name: "h", series: new Map([['h_bucket{le="1"}', 2]]) }]);
  });

  it("is told as those told it that have gone", () => {
    const kept = new KeptMetrics();
    kept.keep([used]);
    expect(kept.amongst([fresh])).toMatchObject([used]);
    expect(kept.amongst([metric("h", "counter", [])])).toEqual([]);
  });
});

describe("what a worker tells of its application", () => {
  const good = metric("c", "counter", [["c", 1]]);

  it("is believed when it is whole", () => {
    expect(areApplicationMetrics([])).toBe(true);
    expect(areApplicationMetrics([good, metric("g", "gauge", [["g", "NaN"]])])).toBe(true);
  });

  it.each<readonly [string, unknown]>([
    ["no list", {}],
    ["a list of nothing", [null]],
    ["a name that would break the text", [{ ...good, name: "c\nd" }]],
    ["a type that there is not", [{ ...good, type: "pie" }]],
    ["an aggregator that there is not", [{ ...good, aggregator: "guess" }]],
    ["a series of another metric", [{ ...good, series: [["d", 1]] }]],
    ["a series that would break the text", [{ ...good, series: [["c 1\nd", 1]] }]],
    ["a value that is none", [{ ...good, series: [["c", "1"]] }]],
    ["more than a master wants to read", [{ ...good, series: Array.from({ length: 5001 }, () => ["c", 1]) }]],
  ])("is not believed when it is %s", (_, value) => {
    expect(areApplicationMetrics(value)).toBe(false);
  });
});

function metric(name: string, type: ApplicationMetric["type"], series: ApplicationMetric["series"]): ApplicationMetric {
  return { name, help: "", type, aggregator: "sum", series };
}

/** With the labels of each series in order: prom-client writes them as they come. */
function sorted(series: ReadonlyMap<string, number>): [string, number][] {
  return [...series]
    .map(([text, value]): [string, number] => {
      const [, name = "", labels = ""] = /^([^{]*)(?:\{(.*)\})?$/.exec(text) ?? [];
      const parts = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([part]) => part).sort();
      return [`${name}{${parts.join(",")}}`, value];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
