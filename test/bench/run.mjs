/**
 * The benchmarks: `npm run bench -- [NAME …] [--node PATH …] [--rounds N] [--json FILE]`. Prints each figure as it is
 * asked for and as it was reached; ends with 1 when one was not.
 */

import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { accessLog } from "./access-log.mjs";
import { engine } from "./engine.mjs";
import { evenLoad } from "./even-load.mjs";
import { fetchHandler } from "./fetch-handler.mjs";
import { freshConnections } from "./fresh-connections.mjs";
import { hungWorker } from "./hung-worker.mjs";
import { idleMemory } from "./idle-memory.mjs";
import { keptConnections } from "./kept-connections.mjs";
import { table } from "./lib/figures.mjs";
import { machine } from "./lib/page-section.mjs";
import { masterCpu } from "./master-cpu.mjs";
import { metrics } from "./metrics.mjs";
import { middleware } from "./middleware.mjs";
import { programs } from "./programs.mjs";
import { hundredReloads, reloads } from "./reloads.mjs";
import { slowClients } from "./slow-clients.mjs";
import { staticFiles } from "./static-files.mjs";
import { startUp } from "./start-up.mjs";

/** @typedef {import("./lib/figures.mjs").Figure} Figure */
/** @typedef {{ node: string, rounds: number }} BenchmarkOptions */
/** @typedef {(options: BenchmarkOptions) => Promise<Figure[]>} Benchmark */

/** @type {Record<string, Benchmark>} */
const BENCHMARKS = {
  "kept-connections": keptConnections,
  "fresh-connections": freshConnections,
  programs,
  "fetch-handler": fetchHandler,
  engine,
  "idle-memory": idleMemory,
  "start-up": startUp,
  "even-load": evenLoad,
  reloads,
  "slow-clients": slowClients,
  "master-cpu": masterCpu,
  "hung-worker": hungWorker,
  "access-log": accessLog,
  metrics,
  "static-files": staticFiles,
  middleware,
};

/**
 * These take long: only by name.
 * @type {Record<string, Benchmark>}
 */
const LONG_BENCHMARKS = { "hundred-reloads": hundredReloads };

const ALL = { ...BENCHMARKS, ...LONG_BENCHMARKS };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: "string", multiple: true, default: [process.execPath] },
    rounds: { type: "string", default: "9" },
    json: { type: "string" },
  },
});

const unknown = positionals.filter((name) => !(name in ALL));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(", ")}; there are ${Object.keys(ALL).join(", ")}`);
  process.exit(2);
}

const names = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
console.log(machine());

/** @type {{ node: string, benchmark: string, figures: Figure[] }[]} */
const results = [];
for (const node of values.node) {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (!version) throw new Error(`${node} does not run`);
  console.log(`\nNode ${version}`);
  for (const name of names) {
    const benchmark = /** @type {Benchmark} */ (ALL[name]);
    const figures = await benchmark({ node, rounds: Number(values.rounds) });
    results.push({ node: version, benchmark: name, figures });
    console.log(`\n${table(figures)}`);
    for (const { details } of figures) if (details !== undefined) console.log(`  ${JSON.stringify(details)}`);
  }
}

if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);
process.exitCode = results.every(({ figures }) => figures.every(({ isReached }) => isReached)) ? 0 : 1;
