/**
 * The status page: one HTML document made of the same status that programs read. Everything in it is there without
 * JavaScript; the script only asks for it again. Nothing comes from elsewhere, which the content security policy
 * enforces, and the document never grows beyond `MOST_BYTES`, whatever has happened.
 */

import { createHash } from "node:crypto";
import type { Status } from "../status.ts";
import { chartsOf } from "./charts.ts";
import { eventsOf, newestEvent } from "./event-list.ts";
import { clipped, escaped } from "./html.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { headerOf, notesOf, tilesOf } from "./summary.ts";
import { workersOf } from "./worker-table.ts";
import { toneOf } from "./tones.ts";
import { percentText, sizeText } from "./words.ts";

export const MOST_BYTES = 60_000;
/** Of these the rows of workers leave so much to what has happened. */
const FOR_EVENTS = 10_000;
/** Titles, and what says how much is left out. */
const AROUND_LISTS = 1600;
const LONGEST_NAME = 120;

/** For the header of the same name: only this page's own style and script run, and only this server is asked. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The document for one status. */
export function statusPage(status: Status): string {
  const [top, bottom] = [topOf(status), bottomOf(status)];
  const left = MOST_BYTES - bytesOf(top + bottom) - AROUND_LISTS;
  const workers = workersOf(status, left - FOR_EVENTS);
  return `${top}${workers}\n${eventsOf(status, left - bytesOf(workers))}${bottom}`;
}

function topOf(status: Status): string {
  const { server } = status;
  const name = clipped(server.name, LONGEST_NAME);
  return `<!doctype html>
<html lang="en" data-version="${escaped(server.version)} ${server.node}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<title>${escaped(server.state)} ${server.ready - server.silent}/${server.target} · ${name}</title>
<link rel="icon" href="${iconOf(server)}">
<style>${STYLE}</style>
</head>
<body>
<p id="connection" role="alert"></p>
<header>${headerOf(status)}</header>
<main>
<p class="hidden" role="status">${name} is ${escaped(server.state)}. ${newestEvent(status)}</p>
${notesOf(status)}
${tilesOf(status)}
${chartsOf(status)}
`;
}

function bottomOf({ at, server }: Status): string {
  return `
</main>
<footer><p>tsgate ${escaped(server.version)} on Node ${escaped(server.node)}, master ${server.pid} (loop ${percentText(server.loop.utilization)}, ${sizeText(server.rssBytes)}), as of
<time id="as-of" datetime="${escaped(at)}">${escaped(at.slice(11, 19))} UTC</time>. For programs: <a href="status.json">status.json</a>,
<a href="metrics">metrics</a>.</p></footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

const COLOURS = { good: "2a9d62", warn: "d08a00", bad: "d0353b", wait: "7a889b" } as const;

/** A dot in the colour of the state, for the browser's tab. */
function iconOf({ state, silent }: Status["server"]): string {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='3.5' fill='#${COLOURS[silent > 0 ? "bad" : toneOf(state)]}'/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
