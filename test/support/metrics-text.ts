/** The text of `/metrics` as a test reads it. */

export interface ReadMetrics {
  /** Series as they are written, and their values. */
  readonly series: ReadonlyMap<string, number>;
  /** Metrics, and their types. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
}

/** Reads the text format; throws at the first line that it does not allow, and at a series that is told twice. */
export function readMetrics(text: string): ReadMetrics {
  const [series, types, helps] = [new Map<string, number>(), new Map<string, string>(), new Map<string, string>()];
  if (!text.endsWith("\n")) throw new Error("the text does not end with a line feed");
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") put(helps, name, rest);
    else if (kind === "TYPE") put(types, name, rest);
    else {
      const [, one, value] = SAMPLE.exec(line) ?? [];
      if (one === undefined) throw new Error(`not a line of the format: ${line}`);
      put(series, one, numberOf(value));
    }
  }
  return { series, types, helps };
}

const SAMPLE = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})?) (\S+)$/;

function put<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.has(key)) throw new Error(`told twice: ${key}`);
  map.set(key, value);
}

function numberOf(text: string | undefined): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}
