/**
 * The metrics that an application keeps with `prom-client`, as a worker tells them: plain data, small, and valid as
 * text whatever the application has put in. Shared by the worker, which asks the application, and the master, which
 * merges what its workers say.
 */

export const METRIC_TYPES = ["counter", "gauge", "histogram", "summary", "untyped"] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

/** How the values of several workers become one, in the words of `prom-client`. */
export const AGGREGATORS = ["sum", "first", "min", "max", "average", "omit"] as const;
export type Aggregator = (typeof AGGREGATORS)[number];

/** One series, as it stands in the text, `http_requests_total{code="200"}`, and its value. */
export type Series = readonly [series: string, value: MetricValue];

/** JSON knows no other way to write the three numbers that are none. */
export type MetricValue = number | "NaN" | "+Inf" | "-Inf";

export interface ApplicationMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly aggregator: Aggregator;
  readonly series: readonly Series[];
}

/** What a worker tells at most: more would hold up the master. */
export const MOST_SERIES = 5000;

const METRIC_NAME = /^[a-zA-Z_:][\w:]*$/;
const LABEL_NAME = /^[a-zA-Z_]\w*$/;

export function isMetricName(name: unknown): name is string {
  return typeof name === "string" && METRIC_NAME.test(name);
}

/** A series as text, its labels in alphabetical order, so that all workers write it alike; undefined when it cannot be. */
export function seriesText(name: string, labels: Readonly<Record<string, unknown>>): string | undefined {
  if (!isMetricName(name)) return undefined;
  const names = Object.keys(labels).sort();
  if (names.length === 0) return name;
  const parts: string[] = [];
  for (const label of names) {
    if (!LABEL_NAME.test(label)) return undefined;
    parts.push(`${label}="${escapeLabel(String(labels[label]))}"`);
  }
  return `${name}{${parts.join(",")}}`;
}

/** As the text format asks for inside quotes. */
export function escapeLabel(value: string): string {
  return /[\\\n"]/.test(value) ? escapeHelp(value).replaceAll('"', '\\"') : value;
}

/** As the text format asks for behind `# HELP`. */
export function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** Whether a message holds these; an application may send anything in our name. */
export function areApplicationMetrics(value: unknown): value is readonly ApplicationMetric[] {
  if (!Array.isArray(value)) return false;
  let left = MOST_SERIES;
  return (value as readonly unknown[]).every((metric) => {
    const { name, help, type, aggregator, series } = (metric ?? {}) as Partial<ApplicationMetric>;
    if (!isMetricName(name) || typeof help !== "string" || !isOneOf(type, METRIC_TYPES)) return false;
    if (!isOneOf(aggregator, AGGREGATORS) || !Array.isArray(series)) return false;
    left -= series.length;
    return left >= 0 && series.every((one) => isSeries(one, name));
  });
}

function isSeries(value: unknown, name: string): boolean {
  if (!Array.isArray(value)) return false;
  const [text, number] = value as readonly unknown[];
  if (typeof text !== "string" || !text.startsWith(name) || text.includes("\n")) return false;
  return typeof number === "number" || number === "NaN" || number === "+Inf" || number === "-Inf";
}

function isOneOf(value: unknown, words: readonly string[]): boolean {
  return words.includes(value as string);
}
