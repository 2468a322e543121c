/** The cells as tables in Markdown, and their place in docs/guarantees.md. */

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { seconds } from "./row.mjs";

/** @typedef {import("./cell.mjs").Cell} Cell */
/** @typedef {import("./row.mjs").Row} Row */
/** @typedef {import("../contestants/contestant.mjs").Contestant} Contestant */

const PAGE = fileURLToPath(new URL("../../../docs/guarantees.md", import.meta.url));
const PLACE = /(<!-- npm run compare: begin -->\n)[^]*(<!-- npm run compare: end -->)/;

/**
 * One line for each server: what ran.
 * @param {readonly Contestant[]} contestants
 */
export function servers(contestants) {
  return tableOf(
    ["server", "version", "settings beside two workers"],
    contestants.map(({ title, version, settings }) => [title, version(), settings]),
  );
}

/**
 * Failures and times, a row an event.
 * @param {readonly Row[]} rows
 * @param {readonly Contestant[]} contestants
 * @param {readonly Cell[]} cells
 */
export function overview(rows, contestants, cells) {
  const lines = rows.map((row) => [
    `_${row.name}_: ${row.event}. Time ${row.time}`,
    ...contestants.map((contestant) =>
      verdict(
        row,
        cells.filter((cell) => isOf(cell, row, contestant)),
      ),
    ),
  ]);
  return tableOf(["event", ...contestants.map(({ title }) => title)], lines);
}

/**
 * Every tally, a row an event and a server.
 * @param {readonly Row[]} rows
 * @param {readonly Contestant[]} contestants
 * @param {readonly Cell[]} cells
 */
export function tallies(rows, contestants, cells) {
  const lines = rows.flatMap((row) =>
    contestants.flatMap((contestant) => {
      const cell = typical(cells.filter((one) => isOf(one, row, contestant)));
      return cell === undefined ? [] : [[row.name, contestant.title, ...countsOf(row, cell)]];
    }),
  );
  return tableOf([...HEAD], lines);
}

/** The columns of a tally, as `countsOf` fills them. */
const HEAD = /** @type {const} */ ([
  "row",
  "server",
  "requests",
  "failed",
  "excused",
  "refused",
  "reset",
  "closed before reply",
  "bad status",
  "timed out",
  "crossed",
  "idle closed",
  "told to close",
  "slowest",
  "time",
  "remarks",
]);

/**
 * Of several runs the one in the middle, by failures.
 * @param {readonly Cell[]} cells
 * @returns {Cell | undefined}
 */
export function typical(cells) {
  const sorted = cells.toSorted((a, b) => badness(a) - badness(b) || a.excused - b.excused || msOf(a) - msOf(b));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/**
 * Puts the tables into the page.
 * @param {string} markdown
 */
export async function writePage(markdown) {
  const page = await readFile(PAGE, "utf8");
  if (!PLACE.test(page)) throw new Error("docs/guarantees.md has no place for the comparison");
  const written = page.replace(PLACE, (_, begin, end) => `${begin}\n${markdown}\n${end}`);
  await writeFile(PAGE, await format(written, { parser: "markdown", printWidth: 120 }));
}

/**
 * @param {Row} row
 * @param {readonly Cell[]} cells all runs of it with a server
 */
function verdict(row, cells) {
  const cell = typical(cells);
  if (cell === undefined) return "—";
  if (cell.error !== undefined) return "not measured";
  const counts = cells.filter(({ error }) => error === undefined).map(({ failed }) => failed);
  const range = spread(counts);
  const failed = `${cell.failed === 0 ? "**0**" : grouped(cell.failed)}${range === "" ? "" : ` (${range})`} failed`;
  const excused = cell.excused === 0 ? "" : `, ${cell.excused} excused`;
  return `${failed}${excused}; ${timeOf(row, cell)}`;
}

/** @param {readonly number[]} counts */
function spread(counts) {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? "" : `${grouped(least)} to ${grouped(most)}`;
}

/**
 * @param {Row} row
 * @param {Cell} cell
 */
function timeOf(row, { ms }) {
  return ms === undefined ? row.otherwise : seconds(ms);
}

/**
 * @param {Row} row
 * @param {Cell} cell
 */
function countsOf(row, cell) {
  const { tally, error, requests, failed, excused, remarks } = cell;
  if (tally === undefined) return [...Array.from({ length: HEAD.length - 3 }, () => "–"), error ?? ""];
  const { outcomes, idle } = tally;
  const counts = [
    requests,
    failed,
    excused,
    outcomes.refused,
    outcomes.reset,
    outcomes.closedBeforeReply,
    outcomes.badStatus,
    outcomes.timedOut,
    outcomes.crossed,
    idle.closed + idle.reset,
    idle.toldToClose,
  ];
  return [...counts.map(grouped), seconds(tally.latencyMs.max), timeOf(row, cell), remarks.join("; ")];
}

/** @param {number} count */
const grouped = (count) => count.toLocaleString("en");

/** @param {Cell} cell */
const badness = ({ error, failed }) => (error === undefined ? failed : Number.POSITIVE_INFINITY);

/** @param {Cell} cell */
const msOf = ({ ms }) => ms ?? Number.POSITIVE_INFINITY;

/**
 * @param {Cell} cell
 * @param {Row} row
 * @param {Contestant} contestant
 */
const isOf = (cell, row, contestant) => cell.row === row.name && cell.contestant === contestant.name;

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} lines
 */
function tableOf(head, lines) {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
