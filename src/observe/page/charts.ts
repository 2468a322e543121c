/** The last minute as two pictures, each with a sentence that says the same. What happened then is marked in both. */

import { RECENT_LAG_SECONDS } from "../recent-traffic.ts";
import type { Status } from "../status.ts";
import { isFailure } from "./event-list.ts";
import { latencyText, rateText } from "./words.ts";

/** In the picture's own units; a line keeps its width however that is stretched. */
const WIDTH = 590;
const HEIGHT = 100;

type Values = readonly (number | null)[];

interface Chart {
  readonly title: string;
  readonly values: Values;
  /** A second line below the first. */
  readonly lower?: { readonly name: string; readonly values: Values };
  readonly name: string;
  readonly bars?: { readonly name: string; readonly values: readonly number[] };
  readonly inWords: (value: number) => string;
  readonly marks: Marks;
}

/** Lines at the seconds of events. */
interface Marks {
  readonly changes: string;
  readonly failures: string;
}

export function chartsOf(status: Status): string {
  const { seconds } = status.recent;
  const marks = marksOf(status);
  return `<section aria-labelledby="minute"><h2 id="minute">The last minute</h2><div class="charts">
${chart({
  title: "Requests a second",
  name: "requests",
  values: seconds.requests,
  bars: { name: "errors", values: seconds.errors },
  inWords: rateText,
  marks,
})}
${chart({
  title: "Latency",
  name: "p99",
  values: seconds.p99Ms,
  lower: { name: "p50", values: seconds.p50Ms },
  inWords: latencyText,
  marks,
})}
</div></section>`;
}

function marksOf({ at, events, recent: { seconds } }: Status): Marks {
  const count = seconds.requests.length;
  const marked = { changes: "", failures: "" };
  for (const event of events) {
    const index = count - 1 + RECENT_LAG_SECONDS - (Date.parse(at) - Date.parse(event.at)) / 1000;
    if (index < 0) continue;
    marked[isFailure(event) ? "failures" : "changes"] += `M${x(Math.min(index, count - 1), count)} 0V${HEIGHT}`;
  }
  return marked;
}

function chart({ title, name, values, lower, bars, inWords, marks }: Chart): string {
  const known = values.filter((value) => value !== null);
  const top = niceTop(Math.max(...known, 0));
  const hasBars = bars?.values.some((value) => value > 0) === true;
  const keys = [
    key("line", name),
    ...(lower === undefined ? [] : [key("lower", lower.name)]),
    ...(hasBars ? [key("bars", bars.name)] : []),
    ...(marks.changes === "" ? [] : [key("change", "change")]),
    ...(marks.failures === "" ? [] : [key("failure", "failure")]),
  ];
  const label = known.length === 0 ? `${title}: nothing in the last minute` : sentence(title, known, inWords);
  const shapes = [
    ...(marks.changes === "" ? [] : [`<path class="change" d="${marks.changes}"/>`]),
    ...(marks.failures === "" ? [] : [`<path class="failure" d="${marks.failures}"/>`]),
    `<path class="area" d="${area(values, top)}"/>`,
    ...(lower === undefined ? [] : [`<path class="lower" d="${line(lower.values, top)}"/>`]),
    `<path class="line" d="${line(values, top)}"/>`,
    ...(hasBars ? [`<path class="bars" d="${columns(bars.values, top)}"/>`] : []),
  ];
  return `<figure><figcaption>${title}<span class="keys">${keys.join("")}</span></figcaption>
<div class="plot"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}">
<path class="grid" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}"/>${shapes.join("")}</svg>${known.length === 0 ? '<span class="empty" aria-hidden="true">no requests</span>' : ""}
<span class="axis" aria-hidden="true"><i>${mark(inWords(top))}</i><i>${mark(inWords(top / 2))}</i><i>0</i></span></div>
<div class="times" aria-hidden="true"><span>60 s ago</span><span>now</span></div></figure>`;
}

function sentence(title: string, known: readonly number[], inWords: (value: number) => string): string {
  const newest = inWords(known.at(-1) ?? 0);
  return `${title} in the last minute: ${newest} now, ${inWords(Math.min(...known))} at least, ${inWords(Math.max(...known))} at most`;
}

/** Without the zeros that say how exactly a number is known: a mark is exact. */
function mark(text: string): string {
  return text.replace(/\.0+(?!\d)/, "");
}

function key(kind: string, name: string): string {
  return `<span class="key ${kind}">${name}</span>`;
}

/** The next number above that halves well. */
export function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value) ?? 10;
  return Math.max(step * power, 2);
}

function x(index: number, count: number): number {
  return Math.round((WIDTH * index) / Math.max(1, count - 1));
}

function y(value: number, top: number): number {
  return Math.round((HEIGHT - (HEIGHT * Math.min(value, top)) / top) * 10) / 10;
}

/** One stroke for each stretch of values that are known; a value between two gaps is a dot. */
function line(values: Values, top: number): string {
  return values
    .map((value, index) => {
      if (value === null) return "";
      const isFirst = (values[index - 1] ?? null) === null;
      const isAlone = isFirst && (values[index + 1] ?? null) === null;
      return `${isFirst ? "M" : "L"}${x(index, values.length)} ${y(value, top)}${isAlone ? "h0" : ""}`;
    })
    .join("");
}

/** What is below that line. */
function area(values: Values, top: number): string {
  return values
    .map((value, index) => {
      if (value === null) return "";
      const [at, height] = [x(index, values.length), y(value, top)];
      const isFirst = (values[index - 1] ?? null) === null;
      const isLast = (values[index + 1] ?? null) === null;
      return `${isFirst ? `M${at} ${HEIGHT}V${height}` : `L${at} ${height}`}${isLast ? `V${HEIGHT}` : ""}`;
    })
    .join("");
}

function columns(values: readonly number[], top: number): string {
  return values
    .map((value, index) =>
      value > 0 ? `M${x(index, values.length)} ${HEIGHT}V${Math.min(y(value, top), HEIGHT - 3)}` : "",
    )
    .join("");
}
