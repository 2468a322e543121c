/**
 * The application's own metrics: asked of the workers when somebody wants them, and merged. Whoever does not answer in
 * time is told of as it last was. Holds nothing of the pool and kills nobody.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { ApplicationMetric } from "../application-metrics.ts";
import type { Order } from "../messages.ts";
import { KeptMetrics, type MergedMetric, MetricsMerger } from "../observe/merged-metrics.ts";
import { settledWithin } from "../settled-within.ts";

/** A scrape is to be over within a second, also when a worker hangs. */
const LONGEST_MS = 700;
/** Answers that are larger than this take milliseconds to read: they are asked for one after the other. */
const LARGE_SERIES = 500;
const PAUSE_MS = 10;

export interface GathererOptions {
  /** The workers that can answer. */
  readonly workers: () => readonly number[];
  readonly send: (id: number, order: Order) => void;
}

export class MetricsGatherer {
  readonly #options: GathererOptions;
  /** What each worker said last. */
  readonly #latest = new Map<number, readonly ApplicationMetric[]>();
  /** What each was asked last and has not answered. */
  readonly #unanswered = new Map<number, number>();
  readonly #kept = new KeptMetrics();
  #request = 0;
  #allAnswered: () => void = () => {};
  #missing = new Set<number>();

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** Asks, waits, and merges, a worker a turn. One at a time. */
  async gather(): Promise<MergedMetric[]> {
    await settledWithin(LONGEST_MS, this.#ask());
    const newestFirst = [...this.#latest].sort(([a], [b]) => b - a).map(([, metrics]) => metrics);
    const merger = new MetricsMerger();
    for (const metrics of newestFirst) {
      merger.add(metrics);
      await nextTurn();
    }
    merger.add(this.#kept.amongst(firstOfEachName(newestFirst)));
    return merger.result();
  }

  /** Takes what worker `id` has answered, or says at its end; null when its application could not say: then the last counts. */
  take(id: number, request: number, metrics: readonly ApplicationMetric[] | null): void {
    if (metrics !== null) this.#latest.set(id, metrics);
    if (this.#unanswered.get(id) === request) this.#unanswered.delete(id);
    this.#noLongerMissing(id);
  }

  /** Worker `id` has ended: what it has counted stays. */
  gone(id: number): void {
    this.#kept.keep(this.#latest.get(id) ?? []);
    this.#latest.delete(id);
    this.#unanswered.delete(id);
    this.#noLongerMissing(id);
  }

  async #ask(): Promise<void> {
    const request = ++this.#request;
    // One that still owes an answer is not asked again: it would only have more to do when it comes to itself.
    const asked = this.#options.workers().filter((id) => !this.#unanswered.has(id));
    this.#missing = new Set(asked);
    const areAllIn = new Promise<void>((resolve) => (this.#allAnswered = resolve));
    for (const id of asked) {
      // It has gone meanwhile, or so much time has that somebody else asks by now.
      if (!this.#missing.has(id) || request !== this.#request) continue;
      this.#unanswered.set(id, request);
      this.#options.send(id, { tsgate: "tell-application-metrics", request });
      if (seriesIn(this.#latest.get(id)) > LARGE_SERIES) await sleep(PAUSE_MS);
    }
    if (this.#missing.size > 0) await areAllIn;
  }

  #noLongerMissing(id: number): void {
    if (this.#missing.delete(id) && this.#missing.size === 0) this.#allAnswered();
  }
}

function seriesIn(metrics: readonly ApplicationMetric[] = []): number {
  return metrics.reduce((sum, { series }) => sum + series.length, 0);
}

/** The one by which the others are merged: the first that tells of something, where there is one. */
function firstOfEachName(lists: readonly (readonly ApplicationMetric[])[]): ApplicationMetric[] {
  const byName = new Map<string, ApplicationMetric>();
  for (const metric of lists.flat()) {
    const first = byName.get(metric.name);
    if (first === undefined || (first.series.length === 0 && metric.series.length > 0)) byName.set(metric.name, metric);
  }
  return [...byName.values()];
}
