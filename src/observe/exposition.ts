/** The text format of Prometheus, version 0.0.4. Pure. */

import { escapeHelp, seriesText } from "../application-metrics.ts";
import type { MergedMetric } from "./merged-metrics.ts";

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** What stands behind the metric's name, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric with its samples. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** One family as text; nothing when it has no sample. `labels` are added to each. */
export function familyText({ name, help, type, samples }: Family, labels: Labels): string {
  if (samples.length === 0) return "";
  const lines = samples.map(
    ({ suffix = "", labels: own, value }) =>
      `${seriesText(`${name}${suffix}`, { ...labels, ...own }) ?? ""} ${numberText(value)}`,
  );
  return `${headOf(name, escapeHelp(help), type)}${lines.join("\n")}\n`;
}

/** The same for a metric of the application, whose series are text already. */
export function applicationText({ name, help, type, series }: MergedMetric): string {
  if (series.size === 0) return "";
  let text = headOf(name, help, type);
  for (const [name, value] of series) text += `${name} ${numberText(value)}\n`;
  return text;
}

/** The samples of a histogram out of counts that are not cumulative yet; one more count than bounds. */
export function histogramSamples(
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
  labels: Labels = {},
): Sample[] {
  let below = 0;
  const buckets = counts.map((count, index) => {
    below += count;
    const bound = bounds[index];
    return {
      suffix: "_bucket",
      labels: { ...labels, le: bound === undefined ? "+Inf" : String(bound) },
      value: below,
    };
  });
  return [...buckets, { suffix: "_sum", labels, value: sum }, { suffix: "_count", labels, value: below }];
}

function headOf(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
