/**
 * Parsers and printers of single values: whole numbers, durations, sizes, surge, words, paths. Each takes text (a flag
 * or a variable) or the value of a configuration file, and throws a `ValueError`. Knows no setting by name.
 */

import type { Surge } from "./types.ts";
import { nearest } from "./nearest.ts";
import { quoted, ValueError } from "./value-error.ts";

/** The longest time a timer of Node can wait, in milliseconds (24.8 days). */
export const LONGEST_DURATION_MS = 2 ** 31 - 1;

/** Parses a whole number between `min` and `max`. */
export function parseInteger(value: unknown, min: number, max: number): number {
  const number = typeof value === "string" && /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) {
    throw new ValueError(`${quoted(value)} is not a whole number; give one from ${min} to ${max}`);
  }
  if (number < min) throw new ValueError(`${number} is too small; give a whole number of at least ${min}`);
  if (number > max) throw new ValueError(`${number} is too large; give a whole number of at most ${max}`);
  return number;
}

/** Parses a duration into milliseconds: `500ms`, `30s`, `5m`, `1h`, or a bare number of seconds (`2.5`). */
export function parseDuration(value: unknown, minMs = 0, isZeroAllowed = minMs === 0): number {
  const match = DURATION.exec(
    typeof value === "number" ? decimal(value) : typeof value === "string" ? value.trim() : "",
  );
  if (match === null) {
    throw new ValueError(`${quoted(value)} is not a duration; give seconds or a unit, such as 500ms, 30s, 5m or 1h`);
  }
  const ms = Math.round(Number(match[1]) * (MS_PER[match[2] ?? "s"] ?? 1000));
  if (ms < minMs && !(ms === 0 && isZeroAllowed))
    throw new ValueError(`${quoted(value)} is too short; give at least ${formatDuration(minMs)}`);
  if (ms > LONGEST_DURATION_MS) throw new ValueError(`${quoted(value)} is too long; give at most 596h (24 days)`);
  if (ms === 0 && Number(match[1]) !== 0) throw new ValueError(`${quoted(value)} is too short; give at least 1ms`);
  return ms;
}

/** A duration as a person writes it, in the largest unit that keeps it whole (`60s`, `2m`); `parseDuration` reads it back. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0 && ms > 60_000) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Parses a size into bytes: bare bytes, or `8k`, `512m`, `1.5g` (units of 1024, also written `kb` or `KiB`). */
export function parseSize(value: unknown, min = 0): number {
  const match = SIZE.exec(
    typeof value === "number" ? decimal(value) : typeof value === "string" ? value.trim().toLowerCase() : "",
  );
  if (match === null)
    throw new ValueError(`${quoted(value)} is not a size; give bytes or a unit, such as 8k, 512m or 1g`);
  const bytes = Math.round(Number(match[1]) * (BYTES_PER[match[2] ?? ""] ?? 1));
  if (bytes < min) throw new ValueError(`${quoted(value)} is too small; give at least ${formatSize(min)}`);
  if (bytes > Number.MAX_SAFE_INTEGER) throw new ValueError(`${quoted(value)} is too large for a size`);
  return bytes;
}

/** A size as a person writes it, in the largest unit that keeps it whole; `parseSize` reads it back. */
export function formatSize(bytes: number): string {
  for (const unit of ["t", "g", "m", "k"] as const) {
    const size = BYTES_PER[unit] ?? 1;
    if (bytes !== 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** Parses how many extra workers a reload may run: a count (`2`) or a share of the workers (`25%`). */
export function parseSurge(value: unknown): Surge {
  const match = /^(\d+)(\s*%)?$/.exec(
    typeof value === "number" ? decimal(value) : typeof value === "string" ? value.trim() : "",
  );
  if (match === null)
    throw new ValueError(
      `${quoted(value)} is neither a count nor a share of the workers; give 1 or more, such as 2, or 1% to 100%`,
    );
  const number = Number(match[1]);
  if (number === 0)
    throw new ValueError(`${quoted(value)} would leave no room for a new worker; give 1 or more, or 1% to 100%`);
  if (match[2] === undefined) return { kind: "count", value: parseInteger(number, 1, 4096) };
  if (number > 100) throw new ValueError(`${quoted(value)} is more than all workers at once; give 1% to 100%`);
  return { kind: "percent", value: number };
}

/** Parses one of the words `choices`. */
export function parseChoice<T extends string>(value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const near = typeof value === "string" ? nearest(value, choices) : undefined;
  const hint =
    near === undefined ? `give one of ${choices.join(", ")}` : `did you mean ${near}? (one of ${choices.join(", ")})`;
  throw new ValueError(`${quoted(value)} is not known; ${hint}`);
}

/** Parses a switch: `0` or `1`, or a boolean. What is refused is told what `place` takes. */
export function parseSwitch(value: unknown, place: "environment" | "file"): boolean {
  if (value === true || value === 1 || value === "1") return true;
  if (value === false || value === 0 || value === "0") return false;
  throw new ValueError(`${quoted(value)} is not a switch; give ${place === "file" ? "true or false" : "1 or 0"}`);
}

/** Parses text that is not empty and holds no control characters; `noun` says what it is. */
export function parseText(value: unknown, noun: string): string {
  if (typeof value !== "string") throw new ValueError(`${quoted(value)} is not ${noun}; give a string`);
  if (value.trim() === "") throw new ValueError(`${quoted(value)} is empty; give ${noun}`);
  if (CONTROL.test(value)) throw new ValueError(`${quoted(value)} holds a control character; give ${noun} without`);
  return value;
}

/** Parses one variable for the workers, `KEY=VALUE`, into its two halves. */
export function parseAssignment(value: unknown): readonly [string, string] {
  const match = typeof value === "string" ? ASSIGNMENT.exec(value) : null;
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new ValueError(`${quoted(value)} is not an assignment; give KEY=VALUE`);
  }
  return [match[1], match[2]];
}

/** A number without an exponent, so that the patterns below see what was meant. */
function decimal(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 9 }) : "";
}

const DURATION = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h)?$/;
const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?$/;
const BYTES_PER: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_.-]*)=([^\0]*)$/s;
