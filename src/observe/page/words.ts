/** Numbers and instants as a person reads them at a glance: three digits and a unit. All of it is safe in HTML. */

import { escaped } from "./html.ts";

/** What is not known. */
export const DASH = "–";

/** `1,234`, `184,221`, `1.23 M`, `12.3 G`. */
export function numberText(value: number): string {
  if (value < 999_999.5) return Math.round(value).toLocaleString("en-US");
  const [size, unit] = value < 999.5e6 ? [value / 1e6, "M"] : [value / 1e9, "G"];
  return `${size.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0)} ${unit}`;
}

/** `1,234`, `12.3` or `0.4`: so many a second. */
export function rateText(value: number): string {
  return value >= 99.95 || value === 0 ? numberText(value) : value < 0.05 ? "< 0.1" : value.toFixed(1);
}

/** `12 %`, `0.3 %`. */
export function percentText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return "< 0.1 %";
  return `${percent !== 0 && percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** `61.7 MB`: bytes in powers of 1024. */
export function sizeText(bytes: number): string {
  const megabytes = bytes / 1024 ** 2;
  return megabytes >= 1024 ? `${(megabytes / 1024).toFixed(2)} GB` : `${megabytes.toFixed(megabytes < 100 ? 1 : 0)} MB`;
}

/** `0.4 ms`, `120 ms`, `1.3 s`. */
export function latencyText(ms: number | null): string {
  if (ms === null) return DASH;
  if (ms >= 9950) return durationText(ms);
  return ms >= 999.5 ? `${(ms / 1000).toFixed(1)} s` : `${ms >= 99.5 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}

/** `800 ms`, `42 s`, `3 min 5 s`, `2 h 10 min`, `5 d 3 h`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  if (seconds < 86_400) return pair(Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min");
  return pair(Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3600), "h");
}

/** `just now`, `42 s ago`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function agoText(at: string, now: string): string {
  const seconds = Math.floor((Date.parse(now) - Date.parse(at)) / 1000);
  if (!(seconds >= 2)) return "just now";
  const [size, unit] =
    seconds < 60 ? [1, "s"] : seconds < 3600 ? [60, "min"] : seconds < 86_400 ? [3600, "h"] : [86_400, "d"];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** A time of day in UTC, with the date before it when that is not today's, and the whole instant for who asks. */
export function clock(at: string, now: string): string {
  const day = at.slice(0, 10) === now.slice(0, 10) ? "" : `${escaped(at.slice(5, 10))} `;
  return `<time datetime="${escaped(at)}">${day}${escaped(at.slice(11, 19))}</time>`;
}

/** `1 worker`, `2 workers`. */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function pair(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}
