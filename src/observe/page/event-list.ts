/** What has happened, the newest first: as much of it as fits into the page, stacks before age. */

import type { EventStatus, Status } from "../status.ts";
import type { EventType } from "../timeline.ts";
import { clipped, escaped, joined } from "./html.ts";
import type { Tone } from "./tones.ts";
import { agoText, clock, countText, durationText } from "./words.ts";

const LONGEST_ERROR = 400;
const LONGEST_WHY = 120;
const LONGEST_FRAME = 200;
const LONGEST_REQUEST = 160;
const LONGEST_STACK = 2500;
const MOST_SLOTS = 16;
/** Kept for events without their stacks: those are short, and how it came to something matters too. */
const FOR_STACKS = 0.6;

const EVENTS: Readonly<Record<EventType, { readonly title: string; readonly tone?: Tone }>> = {
  started: { title: "Server started" },
  "reload started": { title: "Reload started", tone: "wait" },
  "reload done": { title: "Reload done", tone: "good" },
  "reload failed": { title: "Reload failed", tone: "bad" },
  "boot failed": { title: "Boot failed", tone: "bad" },
  crashed: { title: "Worker crashed", tone: "bad" },
  "uncaught exception": { title: "Uncaught exception", tone: "bad" },
  "application error": { title: "Application error", tone: "bad" },
  hung: { title: "Worker hung", tone: "bad" },
  "interpreter died": { title: "Python interpreter died", tone: "bad" },
  killed: { title: "Worker killed", tone: "bad" },
  replaced: { title: "Worker replaced" },
  scaled: { title: "Scaled" },
  degraded: { title: "Degraded", tone: "warn" },
  recovered: { title: "Recovered", tone: "good" },
};

/** The list, in at most `budget` bytes. */
export function eventsOf({ at, events }: Status, budget: number): string {
  const items: string[] = [];
  let left = budget;
  for (const event of events.toReversed()) {
    const whole = eventItem(event, at, left > budget * (1 - FOR_STACKS));
    const item = Buffer.byteLength(whole) <= left ? whole : eventItem(event, at, false);
    left -= Buffer.byteLength(item) + 1;
    if (left < 0) break;
    items.push(item);
  }
  const hidden = events.length - items.length;
  const list = items.length === 0 ? "<p>Nothing yet.</p>" : `<ol>${items.join("\n")}</ol>`;
  const more =
    hidden === 0
      ? ""
      : `<p class="soft">And ${countText(hidden, "older event")}, in <a href="status.json">status.json</a>.</p>`;
  return `<section aria-labelledby="events-title"><h2 id="events-title">What has happened <small>times in UTC</small></h2>${list}${more}</section>`;
}

/** Whether something went wrong, or was merely done. */
export function isFailure({ type }: EventStatus): boolean {
  const { tone } = EVENTS[type];
  return tone === "bad" || tone === "warn";
}

/** The newest event in a few words, to be read out. */
export function newestEvent({ events }: Status): string {
  const newest = events.at(-1);
  if (newest === undefined) return "";
  const where = newest.slot === undefined ? "" : ` in slot ${newest.slot}`;
  return `${EVENTS[newest.type].title}${where}`;
}

function eventItem(event: EventStatus, now: string, isWithStack: boolean): string {
  const { at, type, times, error, stack, slot } = event;
  const { title, tone } = EVENTS[type];
  const count = times > 1 ? ` <small>${times} times</small>` : "";
  const reason = error === undefined ? "" : `<p>${clipped(error, LONGEST_ERROR)}</p>`;
  const id = `e${Date.parse(at).toString(36)}${type.replaceAll(" ", "-")}${slot ?? ""}`;
  const trace =
    stack === undefined ? "" : isWithStack ? stackBox(`${id}-stack`, stack, LONGEST_STACK, error) : ELSEWHERE;
  return `<li id="${id}"${tone === undefined ? "" : ` class="${tone}"`}>${clock(at, now)}<small class="ago">${agoText(at, now)}</small><div><b>${title}</b>${count} <span>${detailsOf(event)}</span>${reason}${trace}</div></li>`;
}

const ELSEWHERE = '<p class="soft">Its stack is in <a href="status.json">status.json</a>.</p>';

function detailsOf({
  type,
  generation,
  slot,
  pid,
  target,
  slots,
  tookMs,
  why,
  request,
  signal,
  code,
}: EventStatus): string {
  const named =
    slots === undefined ? "" : slots.slice(0, MOST_SLOTS).join(", ") + (slots.length > MOST_SLOTS ? " …" : "");
  return joined([
    request === undefined ? "" : `<code>${clipped(request, LONGEST_REQUEST)}</code>`,
    target === undefined ? "" : `to ${countText(target, "worker")}`,
    slots === undefined ? "" : `${slots.length === 1 ? "slot" : "slots"} ${named}`,
    slot === undefined ? "" : `slot ${slot}`,
    why === undefined || why === type ? "" : clipped(why, LONGEST_WHY),
    signal === undefined ? (code === undefined || code === 0 ? "" : `exit code ${code}`) : escaped(signal),
    pid === undefined ? "" : `pid ${pid}`,
    generation === undefined ? "" : `generation ${generation}`,
    tookMs === undefined ? "" : `in ${durationText(tookMs)}`,
  ]);
}

/**
 * A stack that opens, with its newest frame beside it unless the text above names that. The id keeps it open when the
 * page is brought up to date.
 */
export function stackBox(id: string, stack: string, mostBytes: number, textAbove = ""): string {
  const [frame = ""] = /^\s*at .*/m.exec(stack) ?? [];
  const place =
    frame === "" || textAbove.includes(frame.trim()) ? "" : ` <code>${clipped(frame.trim(), LONGEST_FRAME)}</code>`;
  return `<details id="${id}"><summary>Stack${place}</summary><pre tabindex="0">${clipped(stack, mostBytes)}</pre></details>`;
}
