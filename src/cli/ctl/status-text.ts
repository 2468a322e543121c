/** What a server does, as a table for people: head, trouble, a row a worker. Pure; no line is wider than asked. */

import type { Status, WorkerStatus } from "../../observe/status.ts";
import { bytes, count, duration, milliseconds, percent, rate, UNKNOWN } from "./figures.ts";
import { type Cell, type Colour, type Column, cut, facts, type Paint, paragraph, plain, table } from "./layout.ts";

export interface StatusLayout {
  readonly columns: number;
  /** As many lines as there may be; undefined for any number. */
  readonly rows: number | undefined;
  readonly paint: Paint;
}

/** The lines of the table, without line feeds. */
export function statusLines(status: Status, { columns, rows, paint }: StatusLayout): string[] {
  const head = [
    ...facts(serverFacts(status), columns, paint),
    ...facts(trafficFacts(status), columns, paint),
    ...facts(poolFacts(status), columns, paint),
    ...reloadLines(status, columns, paint),
    "",
  ];
  const at = Date.parse(status.at);
  const lines = table(
    COLUMNS,
    status.workers.map((worker) => cellsOf(worker, at)),
    columns,
    paint,
  );
  const all = [...head, ...lines];
  if (rows === undefined || all.length <= rows) return all;
  const shown = all.slice(0, Math.max(0, rows - 1));
  const hidden = Math.min(all.length - shown.length, status.workers.length);
  return [...shown, cut(`… and ${hidden} more; the window is too low`, columns)];
}

const STATE_COLOURS: Readonly<Record<string, Colour>> = {
  serving: "green",
  ready: "green",
  starting: "yellow",
  booting: "yellow",
  draining: "yellow",
  degraded: "red",
  waiting: "red",
  silent: "red",
};

function stateCell(state: string): Cell {
  const colour = STATE_COLOURS[state];
  return { text: state, ...(colour === undefined ? {} : { colour }) };
}

function serverFacts({ server }: Status): Cell[] {
  const { name, version, state, generation, uptimeMs, pid, app } = server;
  return [
    { text: `tsgate ${plain(version)}`, colour: "bold" },
    ...(name === "tsgate" ? [] : [{ text: plain(name), colour: "bold" } as const]),
    stateCell(state),
    { text: `generation ${generation}` },
    { text: `up ${duration(uptimeMs)}` },
    { text: `pid ${pid}` },
    { text: plain(app) },
  ];
}

function trafficFacts({ recent }: Status): Cell[] {
  const errors = { text: `${rate(recent.errorsPerSecond)} errors/s` };
  return [
    { text: `${rate(recent.requestsPerSecond)} requests/s` },
    { text: `p50 ${milliseconds(recent.p50Ms)}` },
    { text: `p99 ${milliseconds(recent.p99Ms)}` },
    recent.errorsPerSecond > 0 ? { ...errors, colour: "red" } : errors,
  ];
}

function poolFacts({ server, totals, workers }: Status): Cell[] {
  const { target, ready, silent, booting, draining, degradedSlots } = server;
  const waiting = workers.filter(({ state }) => state === "waiting").length;
  const others = Object.entries({ silent, booting, draining, waiting }).filter(([, number]) => number > 0);
  const slots = degradedSlots.join(", ");
  return [
    { text: `${ready - silent} of ${target} workers ready` },
    { text: `${count(totals.inFlight)} in flight` },
    { text: `${count(totals.connections)} connection${totals.connections === 1 ? "" : "s"}` },
    ...others.map(([state, number]) => ({ ...stateCell(state), text: `${number} ${state}` })),
    ...(slots === ""
      ? []
      : [{ text: `degraded: slot${degradedSlots.length > 1 ? "s" : ""} ${slots}`, colour: "red" } as const]),
  ];
}

const MOST_ERROR_LINES = 4;

function reloadLines(status: Status, columns: number, paint: Paint): string[] {
  const { last } = status.reload;
  const running = paragraph(runningReload(status), columns, 2).map((line) => paint("yellow", line));
  const ended = paragraph(plain(lastReload(status)), columns, MOST_ERROR_LINES);
  return [...running, ...ended.map((line) => (last?.outcome === "failed" ? paint("red", line) : line))];
}

function runningReload({ at, reload: { state, generation, stage, startedAt } }: Status): string {
  if (state === "idle") return "";
  const doing = stage === "canary" ? "the first worker is tried" : "taking over";
  return `reload of generation ${generation}: ${doing}, for ${since(at, startedAt)}`;
}

function lastReload({ at, reload: { last } }: Status): string {
  if (last === null) return "";
  const { outcome, generation, tookMs, error, stack } = last;
  const begin = `last reload ${outcome} ${since(at, last.at)} ago: `;
  if (outcome !== "failed")
    return `${begin}generation ${generation}${tookMs === null ? "" : ` in ${milliseconds(tookMs)}`}`;
  const place = stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  return `${begin}${error ?? "no cause is known"}${place === undefined ? "" : `, ${place.trim()}`}`;
}

function since(at: string, then: string | null): string {
  return then === null ? UNKNOWN : duration(Date.parse(at) - Date.parse(then));
}

/** Last comes the one that may be cut. */
const COLUMNS: readonly Column[] = [
  { title: "SLOT", isNumber: true },
  { title: "PID", isNumber: true },
  { title: "STATE" },
  { title: "GEN", isNumber: true },
  { title: "AGE", isNumber: true },
  { title: "REQUESTS", isNumber: true },
  { title: "ERRORS", isNumber: true, from: 110 },
  { title: "FLIGHT", isNumber: true },
  { title: "CONNS", isNumber: true, from: 110 },
  { title: "LOOP", isNumber: true },
  { title: "DELAY P99", isNumber: true, from: 130 },
  { title: "MEMORY", isNumber: true },
  { title: "LAST EXIT" },
];

const BUSY_LOOP = 0.9;

function cellsOf(worker: WorkerStatus, at: number): Cell[] {
  const { slot, pid, state, generation, ageMs, requests, errors, connections, rssBytes } = worker;
  const isSilent = state === "ready" && worker.silentMs !== null;
  // What a silent worker has said of these is no longer so.
  const { inFlight, loop } = worker.silentMs === null ? worker : { inFlight: null, loop: null };
  const utilization = loop?.utilization ?? null;
  return [
    { text: String(slot) },
    { text: pid === null ? UNKNOWN : String(pid) },
    stateCell(isSilent ? "silent" : state),
    { text: generation === null ? UNKNOWN : String(generation) },
    { text: duration(ageMs) },
    { text: count(requests) },
    { text: count(errors) },
    { text: count(inFlight) },
    { text: count(connections) },
    { text: percent(utilization), ...((utilization ?? 0) > BUSY_LOOP ? { colour: "yellow" as const } : {}) },
    { text: milliseconds(loop?.delayP99Ms ?? null) },
    { text: bytes(rssBytes) },
    { text: plain(noteOn(worker, at)) },
  ];
}

function noteOn({ why, retryInMs, lastExit, silentMs }: WorkerStatus, at: number): string {
  const parts = [
    ...(silentMs === null ? [] : [`no heartbeat for ${duration(silentMs)}`]),
    ...(why === null ? [] : [`leaves: ${why}`]),
    ...(lastExit === null ? [] : [exitText(lastExit, at)]),
    ...(retryInMs === null ? [] : [`again in ${duration(retryInMs)}`]),
  ];
  return parts.join("; ");
}

function exitText({ cause, at: exitedAt, code, error }: NonNullable<WorkerStatus["lastExit"]>, at: number): string {
  const withCode = code === null || code === 0 ? "" : `, code ${code}`;
  const ago = duration(at - Date.parse(exitedAt));
  return `${cause} ${ago} ago${withCode}${error === null ? "" : `: ${error}`}`;
}
