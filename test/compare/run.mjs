/**
 * tsgate beside others: the same client, the same events. `npm run compare -- [--only NAME …] [--rows NAME …]
 * [--rounds N] [--json FILE] [--from FILE …] [--write]`
 *
 *   --only NAME   one of the servers; may be repeated: all
 *   --rows NAME   one of the rows; may be repeated: all
 *   --rounds N    how often each is run; the table shows the typical run: 1
 *   --json FILE   every run, with its whole tally
 *   --from FILE   runs nothing and takes what was written by --json; may be repeated, to put parts together
 *   --write       puts the table into docs/guarantees.md
 *
 * Every server runs in a folder and a session of its own and is ended by its own pids, also on Ctrl-C. Linux only.
 */

import { readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import { parseArgs } from "node:util";
import { kernelVersion } from "../bench/lib/page-section.mjs";
import { cluster } from "./contestants/cluster.mjs";
import { gunicorn } from "./contestants/gunicorn.mjs";
import { pm2 } from "./contestants/pm2.mjs";
import { puma } from "./contestants/puma.mjs";
import { tsgate } from "./contestants/tsgate.mjs";
import { endEverything, runCell } from "./lib/cell.mjs";
import { overview, servers, tallies, writePage } from "./lib/page.mjs";
import { allKilled, workerKilled } from "./rows/deaths.mjs";
import { gracefulStop, masterKilled } from "./rows/ends.mjs";
import { exception } from "./rows/exception.mjs";
import { endlessLoop, endlessRegExp } from "./rows/hangs.mjs";
import { brokenReload, busyReloads, goodReloads } from "./rows/reloads.mjs";

const CONTESTANTS = [tsgate, cluster, pm2, gunicorn, puma];
const ROWS = [
  goodReloads,
  busyReloads,
  brokenReload,
  workerKilled,
  allKilled,
  endlessLoop,
  endlessRegExp,
  exception,
  gracefulStop,
  masterKilled,
];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    rows: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "1" },
    json: { type: "string" },
    from: { type: "string", multiple: true, default: [] },
    write: { type: "boolean", default: false },
  },
});

const contestants = chosen(CONTESTANTS, values.only, "server");
const rows = chosen(ROWS, values.rows, "row");
const problems = (await Promise.all(contestants.map(({ problem }) => problem()))).filter((one) => one !== undefined);
if (problems.length > 0) {
  console.error([...problems, "or choose others with --only"].join("\n"));
  process.exit(2);
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.once(signal, () => void interrupted(signal));

/** @type {import("./lib/cell.mjs").Cell[]} */
const cells = [];
for (const file of values.from) cells.push(...JSON.parse(await readFile(file, "utf8")).cells);
const rounds = values.from.length > 0 ? 0 : Number(values.rounds);
for (let round = 1; round <= rounds; round += 1)
  for (const row of rows)
    for (const contestant of contestants) {
      const cell = await runCell(row, contestant, round);
      cells.push(cell);
      const { failed, excused, requests, ms, remarks, error } = cell;
      const counts = `${failed} failed and ${excused} excused of ${requests}, ${ms?.toFixed(0) ?? "–"} ms`;
      console.error([row.name, contestant.name, error ?? counts, ...remarks].join("; "));
      if (values.json !== undefined)
        await writeFile(values.json, JSON.stringify({ machine: machine(), cells }, null, 2));
    }

const markdown = [servers(contestants), overview(rows, contestants, cells), tallies(rows, contestants, cells)].join(
  "\n\n",
);
console.log(markdown);
if (values.write) await writePage(markdown);
process.exitCode = cells.some(({ error }) => error !== undefined) ? 1 : 0;

/**
 * @template {{ name: string }} Named
 * @param {readonly Named[]} all
 * @param {readonly string[]} names none: all
 * @param {string} noun
 */
function chosen(all, names, noun) {
  const unknown = names.filter((name) => all.every((one) => one.name !== name));
  if (unknown.length > 0) {
    console.error(`no ${noun} ${unknown.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}`);
    process.exit(2);
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

/** @param {NodeJS.Signals} signal */
async function interrupted(signal) {
  await endEverything();
  process.exit(128 + os.constants.signals[signal]);
}

function machine() {
  return `${os.cpus()[0]?.model ?? "unknown CPU"}, ${os.cpus().length} cores, ${os.type()} ${kernelVersion(os.release())}`;
}
