/** Numbers as a person reads them in a narrow column. Pure. What is not known is a dash. */

export const UNKNOWN = "-";

/** `45s`, `2h14m`, `3d4h`: the two largest units. */
export function duration(ms: number | null): string {
  if (ms === null) return UNKNOWN;
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 ? withRest(minutes, "m", seconds % 60, "s") : `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return withRest(hours, "h", minutes % 60, "m");
  return withRest(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** `999`, `12345`, `1.23M`. */
export function count(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value < 1e6) return String(Math.round(value));
  const [size, unit] = value < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${threeDigits(value / size)}${unit}`;
}

/** `812K`, `64M`, `1.25G`; powers of 1024. */
export function bytes(value: number | null): string {
  if (value === null) return UNKNOWN;
  const units = ["B", "K", "M", "G", "T"];
  const power = value < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${power < 3 ? Math.round(scaled) : threeDigits(scaled)}${units[power]}`;
}

/** `0.35 ms`, `12.4 ms`, `3.25 s`. */
export function milliseconds(value: number | null): string {
  if (value === null) return UNKNOWN;
  return value < 1000 ? `${threeDigits(value)} ms` : `${threeDigits(value / 1000)} s`;
}

/** `83%` of 0.83. */
export function percent(share: number | null): string {
  return share === null ? UNKNOWN : `${Math.round(share * 100)}%`;
}

/** `0.5`, `38.5`, `12345`. */
export function rate(value: number): string {
  return value < 100 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}

function threeDigits(value: number): string {
  return value < 100 ? String(Number(value.toPrecision(3))) : String(Math.round(value));
}

function withRest(large: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${large}${unit}` : `${large}${unit}${rest}${restUnit}`;
}
