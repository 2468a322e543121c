/** The upper part of the status page: who the server is, what must not be overlooked, and how its traffic goes. */

import type { Status } from "../status.ts";
import { clipped, escaped, joined } from "./html.ts";
import { stackBox } from "./event-list.ts";
import { stateMark, type Tone } from "./tones.ts";
import { countText, durationText, latencyText, numberText, percentText, rateText } from "./words.ts";

const MOST_ADDRESSES = 6;
const MOST_SLOTS = 16;
const LONGEST_TEXT = 240;
const LONGEST_ERROR = 800;
const LONGEST_STACK = 3000;

/** Name, state and facts of the server. */
export function headerOf({ server, listeners }: Status): string {
  const addresses = listeners
    .slice(0, MOST_ADDRESSES)
    .map(({ address, queued }) => clipped(address, LONGEST_TEXT) + (queued ? ` (${queued} waiting)` : ""));
  if (listeners.length > MOST_ADDRESSES) addresses.push(`${listeners.length - MOST_ADDRESSES} more`);
  const facts = [
    clipped(server.app, LONGEST_TEXT),
    addresses.length === 0 ? "no address yet" : addresses.join(", "),
    `up ${durationText(server.uptimeMs)}`,
  ];
  const items = facts.map((fact) => `<li>${fact}</li>`);
  return `<div class="who"><h1>${clipped(server.name, LONGEST_TEXT)}</h1>${stateMark(server.state)}</div>
<ul class="facts">${items.join("")}</ul>`;
}

/** What an operator must not overlook. */
export function notesOf(status: Status): string {
  return [silentNote(status), degradedNote(status), reloadNote(status), failureNote(status)]
    .filter((html) => html !== "")
    .join("\n");
}

function silentNote({ workers }: Status): string {
  const silent = workers.filter(({ silentMs }) => silentMs !== null);
  const [first] = silent;
  if (first === undefined) return "";
  const longest = durationText(Math.max(...silent.map(({ silentMs }) => silentMs ?? 0)));
  const isOne = silent.length === 1;
  const title = isOne ? `The worker in slot ${first.slot} is silent` : `${silent.length} workers are silent`;
  const text = isOne
    ? `No heartbeat for ${longest}: its event loop is blocked, and what is in flight on it waits.`
    : `No heartbeat for up to ${longest}: their event loops are blocked, and what is in flight on them waits.`;
  const advice = `<code>tsgate ctl stack ${first.slot}</code> says what ${isOne ? "it" : "the first of them"} is at. After <code>--timeout</code> of silence a worker is replaced.`;
  return note("bad", "silent", title, `<p>${text}</p><p class="soft">${advice}</p>`);
}

function degradedNote({ server: { state, degradedSlots, ready, silent, target } }: Status): string {
  if (degradedSlots.length > 0) {
    const more = degradedSlots.length > MOST_SLOTS ? ` and ${degradedSlots.length - MOST_SLOTS} more` : "";
    const slots = `${degradedSlots.length === 1 ? "slot" : "slots"} ${degradedSlots.slice(0, MOST_SLOTS).join(", ")}${more}`;
    const text = `Workers of ${slots} end again and again; each is started later than the one before.`;
    return note("warn", "degraded", "Degraded", `<p>${text}</p>`);
  }
  if (state !== "degraded" || silent > 0) return "";
  return note("bad", "degraded", "Degraded", `<p>${ready} of ${target} workers are ready.</p>`);
}

function reloadNote({ at, reload, server, workers }: Status): string {
  const { state, generation, stage, startedAt } = reload;
  if (state !== "running" || generation === null) return "";
  const replaced = workers.filter((worker) => worker.generation === generation && worker.state === "ready").length;
  const since = startedAt === null ? "" : `, for ${durationText(Math.max(0, Date.parse(at) - Date.parse(startedAt)))}`;
  const text = `${escaped(STAGES[stage ?? ""] ?? stage ?? "")}: ${replaced} of ${countText(server.target, "worker")} ready${since}.`;
  const bar = `<progress max="${server.target}" value="${Math.min(replaced, server.target)}" aria-label="Workers of generation ${generation}"></progress>`;
  return note("wait", "reload", `Reload to generation ${generation}`, `<p>${text}</p>${bar}`);
}

const STAGES: Readonly<Record<string, string>> = {
  canary: "Its first worker proves itself while the generation before it serves",
  rolling: "Worker by worker, new before old",
};

function failureNote({ reload: { last } }: Status): string {
  if (last?.outcome !== "failed") return "";
  const error = last.error === null ? "No reason is known." : clipped(last.error, LONGEST_ERROR);
  const stack = last.stack === null ? "" : stackBox("reload-stack", last.stack, LONGEST_STACK);
  const text = `<p>${error}</p><p class="soft">The generation before it goes on serving.</p>${stack}`;
  return note("bad", "reload-failed", `Reload to generation ${last.generation} failed`, text);
}

function note(tone: Tone, id: string, title: string, html: string): string {
  return `<section class="note ${tone}" id="${id}"><h2>${title}</h2>${html}</section>`;
}

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly more: string;
  readonly tone?: Tone;
}

/** The numbers of the last seconds. */
export function tilesOf({ server, totals, recent }: Status): string {
  const { requestsPerSecond, errorsPerSecond, windowSeconds } = recent;
  const share = requestsPerSecond === 0 ? 0 : errorsPerSecond / requestsPerSecond;
  const hasTraffic = recent.p50Ms !== null;
  const refused = Object.values(totals.rejected).reduce((sum, count) => sum + count, 0);
  const answering = server.ready - server.silent;
  const tiles: readonly Tile[] = [
    { name: "Requests a second", value: rateText(requestsPerSecond), more: `${numberText(totals.requests)} in all` },
    { name: "Latency, p50", value: latencyText(recent.p50Ms), more: hasTraffic ? "half are faster" : "no requests" },
    { name: "Latency, p99", value: latencyText(recent.p99Ms), more: hasTraffic ? "1 in 100 is slower" : "no requests" },
    {
      name: "Errors (5xx)",
      value: percentText(share),
      more: joined([`${numberText(totals.errors)} in all`, refused > 0 ? `${numberText(refused)} refused` : ""]),
      ...(errorsPerSecond > 0 ? { tone: "bad" } : {}),
    },
    { name: "In flight", value: numberText(totals.inFlight), more: countText(totals.connections, "connection") },
    {
      name: "Workers ready",
      value: `${answering} of ${server.target}`,
      more: othersText(server),
      ...(answering >= server.target ? {} : { tone: toneOfLack(server) }),
    },
  ];
  return `<section class="bare" aria-labelledby="now"><h2 class="hidden" id="now">The last ${countText(windowSeconds, "second")}</h2>
<dl class="tiles">${tiles.map(tileHtml).join("")}</dl></section>`;
}

function tileHtml({ name, value, more, tone }: Tile): string {
  const classes = tone === undefined ? "" : ` class="${tone}"`;
  return `<div><dt>${name}</dt><dd${classes}>${escaped(value)}</dd><dd class="more">${escaped(more)}</dd></div>`;
}

function toneOfLack({ state, silent }: Status["server"]): Tone {
  if (silent > 0) return "bad";
  return state === "starting" ? "wait" : "warn";
}

function othersText({ booting, draining, silent, generation }: Status["server"]): string {
  const others = joined([
    silent > 0 ? `${silent} silent` : "",
    booting > 0 ? `${booting} booting` : "",
    draining > 0 ? `${draining} draining` : "",
  ]);
  return others === "" && generation > 0 ? `generation ${generation}` : others;
}
