/**
 * Finds the `prom-client` of the application, of which nobody has told us, and asks it for its metrics. Loads nothing:
 * a package that the application has not loaded has nothing to tell.
 */

import { createRequire } from "node:module";
import {
  type Aggregator,
  AGGREGATORS,
  type ApplicationMetric,
  escapeHelp,
  isMetricName,
  METRIC_TYPES,
  type MetricType,
  type MetricValue,
  MOST_SERIES,
  type Series,
  seriesText,
} from "../application-metrics.ts";
import { messageOf } from "../errors.ts";
import { settledWithin } from "../settled-within.ts";
import { log, report } from "./channel.ts";

/** How long an application may take to tell, and how long at the end of its worker, which is expected to go. */
const LONGEST_MS = 1000;
const LONGEST_LAST_MS = 200;
/** The main module of the package, wherever a package manager has put it. */
const MAIN_MODULE = /[/\\]prom-client[/\\]index\.js$/;

interface Register {
  getMetricsAsJSON(): unknown;
}

/** A metric as `prom-client` tells it. */
interface ToldMetric {
  readonly name?: unknown;
  readonly help?: unknown;
  readonly type?: unknown;
  readonly aggregator?: unknown;
  readonly values?: unknown;
}

let hasComplained = false;

/** Asks the application and tells the master, who has asked with this number; an application without metrics has none. */
export async function reportApplicationMetrics(request: number, applicationFile: string): Promise<void> {
  const registers = findRegisters(applicationFile);
  const metrics = registers.length === 0 ? [] : await ask(registers, LONGEST_MS);
  report({ tsgate: "application-metrics", request, metrics });
}

/** Tells the master unasked, before the worker goes: what the application has counted would go with it. */
export async function reportLastApplicationMetrics(applicationFile: string): Promise<void> {
  const registers = process.connected ? findRegisters(applicationFile) : [];
  if (registers.length === 0) return;
  report({ tsgate: "application-metrics", request: 0, metrics: await ask(registers, LONGEST_LAST_MS) });
}

async function ask(registers: readonly Register[], longestMs: number): Promise<readonly ApplicationMetric[] | null> {
  let told: unknown[] | undefined;
  try {
    const all = Promise.all(registers.map(async (register) => register.getMetricsAsJSON()));
    await settledWithin(
      longestMs,
      all.then((lists) => (told = lists.flat())),
    );
  } catch (error) {
    complain(`could not say: ${messageOf(error)}`);
    return null;
  }
  if (told === undefined) complain(`did not say within ${longestMs / 1000} s`);
  return told === undefined ? null : within(MOST_SERIES, told);
}

function findRegisters(applicationFile: string): Register[] {
  const { cache } = createRequire(applicationFile);
  const registers = new Set<Register>();
  for (const file of Object.keys(cache)) {
    if (!MAIN_MODULE.test(file)) continue;
    const { register } = (cache[file]?.exports ?? {}) as { register?: Partial<Register> };
    if (typeof register?.getMetricsAsJSON === "function") registers.add(register as Register);
  }
  return [...registers];
}

/** As many metrics as hold `most` series together; none is told in part. */
function within(most: number, told: readonly unknown[]): ApplicationMetric[] {
  const metrics = told.map(toMetric).filter((metric) => metric !== undefined);
  let left = most;
  const kept = metrics.filter(({ series }) => {
    const fits = series.length <= left;
    if (fits) left -= series.length;
    return fits;
  });
  if (kept.length < metrics.length) {
    const names = metrics.filter((metric) => !kept.includes(metric)).map(({ name }) => name);
    complain(`has more than ${most} series; left out: ${names.slice(0, 10).join(", ")}`);
  }
  return kept;
}

function toMetric(told: unknown): ApplicationMetric | undefined {
  const { name, help, type, aggregator, values } = (told ?? {}) as ToldMetric;
  // Our own names are not the application's to give.
  if (!isMetricName(name) || name.startsWith("tsgate_") || !Array.isArray(values)) return undefined;
  return {
    name,
    help: escapeHelp(typeof help === "string" ? help : ""),
    type: METRIC_TYPES.find((known): known is MetricType => known === type) ?? "untyped",
    aggregator: AGGREGATORS.find((known): known is Aggregator => known === aggregator) ?? "sum",
    series: values.flatMap((value) => toSeries(name, value)),
  };
}

function toSeries(name: string, told: unknown): Series[] {
  const { value, labels, metricName } = (told ?? {}) as { value?: unknown; labels?: unknown; metricName?: unknown };
  // The series of a histogram have names of their own, which begin with its name.
  const own = typeof metricName === "string" && metricName.startsWith(name) ? metricName : name;
  const text = seriesText(own, (labels ?? {}) as Record<string, unknown>);
  return text === undefined || typeof value !== "number" ? [] : [[text, toValue(value)]];
}

function toValue(value: number): MetricValue {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

/** Once: the next scrape would say the same. */
function complain(problem: string): void {
  if (hasComplained) return;
  hasComplained = true;
  log("warn", "application metrics incomplete", { problem });
}
