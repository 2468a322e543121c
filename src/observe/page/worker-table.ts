/**
 * A row a worker. On a narrow screen a row becomes a card, which must not cost it what it is to a screen reader: hence
 * the roles. Rows that do not fit into the page are counted, those first that have nothing to tell.
 */

import type { Status, WorkerStatus } from "../status.ts";
import { clipped, escaped, joined } from "./html.ts";
import { stateMark } from "./tones.ts";
import { clock, countText, DASH, durationText, numberText, percentText, sizeText } from "./words.ts";

/** More rows than this are set closer. */
const MOST_ROOMY = 8;
const LONGEST_CAUSE = 60;
const LONGEST_ERROR = 160;

interface Column {
  readonly name: string;
  readonly kind?: "text" | "cause";
  readonly cell: (worker: WorkerStatus, now: string) => string;
}

const COLUMNS: readonly Column[] = [
  { name: "Slot", kind: "text", cell: ({ slot }) => String(slot) },
  { name: "State", kind: "text", cell: stateCell },
  { name: "Pid", cell: ({ pid }) => orDash(pid, String) },
  { name: "Generation", cell: ({ generation }) => orDash(generation, String) },
  { name: "Age", cell: ({ ageMs }) => orDash(ageMs, durationText) },
  { name: "Requests", cell: ({ requests }) => orDash(requests, numberText) },
  { name: "Errors", cell: errorsCell },
  // What a silent worker has said of these is no longer so.
  { name: "In flight", cell: ({ inFlight, silentMs }) => orDash(silentMs === null ? inFlight : null, numberText) },
  { name: "Loop", cell: loopCell },
  { name: "Memory", cell: ({ rssBytes }) => orDash(rssBytes, sizeText) },
  { name: "Last exit in this slot", kind: "cause", cell: exitCell },
];

/** For the style, which names the values of a card. */
export const COLUMN_NAMES: readonly string[] = COLUMNS.map(({ name }) => name);

/** The table, with as many rows as fit into `budget` bytes. */
export function workersOf({ at, workers }: Status, budget: number): string {
  const heads = COLUMNS.map(({ name, kind }) => `<th role="columnheader" scope="col"${classOf(kind)}>${name}</th>`);
  const rows = fitting(
    workers.map((worker) => ({ html: workerRow(worker, at), isQuiet: isQuiet(worker) })),
    budget,
  );
  const left = workers.length - rows.length;
  const more =
    left === 0
      ? ""
      : `<p class="soft">And ${countText(left, "more row")}, in <a href="status.json">status.json</a>.</p>`;
  return `<section><h2 id="workers-title">Workers</h2><div class="scroll" id="workers-table" role="region"
aria-labelledby="workers-title" tabindex="0"><table role="table"${workers.length > MOST_ROOMY ? ' class="dense"' : ""}><caption class="hidden">Workers by slot</caption>
<thead role="rowgroup"><tr role="row">${heads.join("")}</tr></thead>
<tbody role="rowgroup">${rows.join("\n")}</tbody></table></div>${more}</section>`;
}

/** In their order; when they do not all fit, those that tell something are taken before those that do not. */
function fitting(rows: readonly { readonly html: string; readonly isQuiet: boolean }[], budget: number): string[] {
  const taken = new Set<string>();
  let left = budget;
  for (const row of [...rows.filter(({ isQuiet }) => !isQuiet), ...rows.filter(({ isQuiet }) => isQuiet)]) {
    left -= Buffer.byteLength(row.html) + 1;
    if (left < 0) break;
    taken.add(row.html);
  }
  return rows.map(({ html }) => html).filter((html) => taken.has(html));
}

function isQuiet({ state, lastExit, silentMs }: WorkerStatus): boolean {
  return state === "ready" && lastExit === null && silentMs === null;
}

/** Its end tags are left out, as HTML allows: that is a fifth of what many rows weigh. */
function workerRow(worker: WorkerStatus, now: string): string {
  const cells = COLUMNS.map(({ kind, cell }, index) =>
    index === 0
      ? `<th role=rowheader scope=row${classOf(kind)}>${cell(worker, now)}`
      : cellHtml(cell(worker, now), kind),
  );
  return `<tr role=row id=w${worker.slot}-${worker.id ?? 0}>${cells.join("")}`;
}

function cellHtml(html: string, kind: Column["kind"]): string {
  const classes = joined([kind ?? "", html === DASH ? "none" : ""], " ");
  return `<td role=cell${classes === "" ? "" : classes.includes(" ") ? ` class="${classes}"` : ` class=${classes}`}>${html}`;
}

function classOf(kind: Column["kind"]): string {
  return kind === undefined ? "" : ` class=${kind}`;
}

function stateCell({ state, why, retryInMs, silentMs }: WorkerStatus): string {
  const isSilent = state === "ready" && silentMs !== null;
  const more = joined([
    retryInMs === null ? "" : `next try ${retryInMs > 0 ? `in ${durationText(retryInMs)}` : "now"}`,
    why === null ? "" : clipped(why, LONGEST_CAUSE),
    silentMs === null ? "" : `no heartbeat for ${durationText(silentMs)}`,
  ]);
  return `${stateMark(isSilent ? "silent" : state)}${more === "" ? "" : ` <small${silentMs === null ? "" : ' class="bad"'}>${more}</small>`}`;
}

function errorsCell({ errors }: WorkerStatus): string {
  if (errors === null || errors === 0) return orDash(errors, numberText);
  return `<b class=bad>${numberText(errors)}</b>`;
}

function exitCell({ lastExit }: WorkerStatus, now: string): string {
  if (lastExit === null) return DASH;
  const { at, cause, code, signal, error } = lastExit;
  const how = signal ?? (code === null || code === 0 ? "" : `code ${code}`);
  const reason = error === null ? "" : `: ${clipped(error, LONGEST_ERROR)}`;
  return `${clock(at, now)} ${clipped(cause, LONGEST_CAUSE)}${how === "" ? "" : ` (${escaped(how)})`}${reason}`;
}

function loopCell({ loop, silentMs }: WorkerStatus): string {
  if (silentMs !== null) return meter(1, "blocked");
  return orDash(loop, ({ utilization }) => meter(utilization, percentText(utilization)));
}

function meter(share: number, text: string): string {
  const width = Math.round(40 * Math.min(1, Math.max(0, share)));
  return `${text}<svg class="meter${share >= 0.8 ? " hot" : ""}" viewBox="0 0 40 6" aria-hidden=true><rect width="${width}" height="6"/></svg>`;
}

function orDash<T>(value: T | null, inWords: (value: T) => string): string {
  return value === null ? DASH : inWords(value);
}
