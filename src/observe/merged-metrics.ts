/**
 * The metrics of an application, of several workers made one as `prom-client` does it in its AggregatorRegistry. What
 * only grows is kept when its worker goes: a sum that shrank would look to Prometheus like a restart. Pure.
 */

import type { Aggregator, ApplicationMetric, MetricValue } from "../application-metrics.ts";

/** What is kept of workers that have gone, at most. */
const MOST_KEPT = 20_000;

/** The metrics of one or more workers. */
export interface MergedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: ApplicationMetric["type"];
  readonly series: ReadonlyMap<string, number>;
}

interface Merging extends Omit<MergedMetric, "series"> {
  readonly aggregator: Aggregator;
  readonly series: Map<string, number>;
  /** How many workers have told of a series, for averages. */
  readonly counts: Map<string, number>;
  readonly buckets: string;
}

export class MetricsMerger {
  readonly #byName = new Map<string, Merging>();

  /** Takes what one worker tells, or what is kept of others. Of metrics that share a name and nothing else the first counts. */
  add(metrics: Iterable<ApplicationMetric>): void {
    for (const metric of metrics) {
      // Without a series it has no shape yet: a histogram with labels has none before its first observation.
      if (metric.aggregator === "omit" || metric.series.length === 0) continue;
      const merging = this.#byName.get(metric.name) ?? this.#begin(metric);
      if (isAlike(merging, metric)) for (const [text, value] of metric.series) put(merging, text, numberOf(value));
    }
  }

  result(): MergedMetric[] {
    return [...this.#byName.values()].map(({ name, help, type, aggregator, series, counts }) => {
      if (aggregator !== "average") return { name, help, type, series };
      const means = [...series].map(([text, sum]) => [text, sum / (counts.get(text) ?? 1)] as const);
      return { name, help, type, series: new Map(means) };
    });
  }

  #begin(metric: ApplicationMetric): Merging {
    const { name, help, type, aggregator } = metric;
    const merging = { name, help, type, aggregator, series: new Map(), counts: new Map(), buckets: bucketsOf(metric) };
    this.#byName.set(name, merging);
    return merging;
  }
}

/** What workers that have gone had counted. */
export class KeptMetrics {
  #metrics = new Map<string, ApplicationMetric>();
  #size = 0;

  /** Adds the last word of a worker that has gone. */
  keep(metrics: readonly ApplicationMetric[]): void {
    for (const metric of metrics) {
      const growing = { ...metric, series: metric.series.filter(([text]) => isGrowing(metric, text)) };
      if (growing.series.length > 0) this.#add(growing);
    }
  }

  /** What is kept of those metrics that `live` workers still have, in the same shape. */
  amongst(live: readonly ApplicationMetric[]): ApplicationMetric[] {
    return live.flatMap((metric) => {
      const kept = this.#metrics.get(metric.name);
      const fits = kept !== undefined && (metric.series.length === 0 || haveSameBuckets(kept, metric));
      return fits && kept.type === metric.type ? [kept] : [];
    });
  }

  #add(metric: ApplicationMetric): void {
    const before = this.#metrics.get(metric.name);
    const merger = new MetricsMerger();
    merger.add([metric]);
    // The newest shape counts: what does not fit to it belongs to code that is no more.
    if (before !== undefined && haveSameBuckets(before, metric)) merger.add([before]);
    const series = [...(merger.result()[0]?.series ?? [])].map(([text, value]) => [text, valueOf(value)] as const);
    this.#size += series.length - (before?.series.length ?? 0);
    if (this.#size <= MOST_KEPT) return void this.#metrics.set(metric.name, { ...metric, series });
    this.#size -= series.length;
    this.#metrics.delete(metric.name);
  }
}

/** Counters, and of histograms and summaries everything but quantiles. */
function isGrowing({ type, aggregator }: ApplicationMetric, text: string): boolean {
  if (aggregator !== "sum" || type === "gauge" || type === "untyped") return false;
  return type !== "summary" || !/[{,]quantile="/.test(text);
}

/** Histograms whose buckets differ cannot be added. */
function isAlike(merging: Merging, metric: ApplicationMetric): boolean {
  if (merging.type !== metric.type || merging.aggregator !== metric.aggregator) return false;
  return merging.buckets === bucketsOf(metric);
}

function haveSameBuckets(one: ApplicationMetric, other: ApplicationMetric): boolean {
  return one.type === other.type && bucketsOf(one) === bucketsOf(other);
}

function bucketsOf({ type, series }: ApplicationMetric): string {
  if (type !== "histogram") return "";
  const bounds = new Set<string>();
  for (const [text] of series) {
    const bound = /[{,]le="([^"]*)"/.exec(text)?.[1];
    if (bound !== undefined) bounds.add(bound);
  }
  return [...bounds].sort().join(" ");
}

function put({ aggregator, series, counts }: Merging, text: string, value: number): void {
  const before = series.get(text);
  counts.set(text, (counts.get(text) ?? 0) + 1);
  series.set(text, before === undefined ? value : combine(aggregator, before, value));
}

function combine(aggregator: Aggregator, before: number, value: number): number {
  switch (aggregator) {
    case "sum":
    case "average":
      return before + value;
    case "min":
      return Math.min(before, value);
    case "max":
      return Math.max(before, value);
    case "first":
    case "omit":
      return before;
  }
}

function numberOf(value: MetricValue): number {
  if (typeof value === "number") return value;
  if (value === "NaN") return Number.NaN;
  return value === "+Inf" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

function valueOf(number: number): MetricValue {
  if (Number.isFinite(number)) return number;
  if (Number.isNaN(number)) return "NaN";
  return number > 0 ? "+Inf" : "-Inf";
}
