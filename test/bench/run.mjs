/**
 * The benchmarks: `npm run bench -- [NAME …] [--all] [--workload NAME …] [--peer NAME …] [--rounds N] [--seconds S]
 * [--node PATH …] [--json FILE] [--write]`. Prints each figure as it is asked for and as it was reached; ends with 1 when
 * one was missed.
 *
 *   NAME            which benchmarks; default those of the engine, which compare it with other servers: some 25 minutes
 *   --all           every benchmark but those that take longest
 *   --workload NAME one of the comparison; may be repeated: all
 *   --peer NAME     one of the comparison's servers, ours included; may be repeated: all
 *   --rounds N      interleaved rounds, of which the median is told: 6
 *   --seconds S     of each server in a round of the comparison: 1
 *   --node PATH     the Node that is measured; may be repeated: the one that runs this
 *   --write         puts what was measured into docs/benchmarks.md, each benchmark into its own section
 */

import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { accessLog } from "./access-log.mjs";
import { comparison, CONTESTANTS } from "./comparison.mjs";
import { connectionMemory } from "./connection-memory.mjs";
import { limits } from "./limits.mjs";
import { evenLoad } from "./even-load.mjs";
import { evenedConnections } from "./evened-connections.mjs";
import { freshConnections } from "./fresh-connections.mjs";
import { hungWorker } from "./hung-worker.mjs";
import { idleMemory } from "./idle-memory.mjs";
import { keptConnections } from "./kept-connections.mjs";
import { largeBodies } from "./large-bodies.mjs";
import { table } from "./lib/figures.mjs";
import { majorOf } from "../matrix/nodes.mjs";
import { machine, markdownTable, writeSection } from "./lib/page-section.mjs";
import { WORKLOADS } from "./lib/workloads.mjs";
import { masterCpu } from "./master-cpu.mjs";
import { metrics } from "./metrics.mjs";
import { middleware } from "./middleware.mjs";
import { movedConnections } from "./moved-connections.mjs";
import { programs } from "./programs.mjs";
import { hundredReloads, reloads } from "./reloads.mjs";
import { slowClients } from "./slow-clients.mjs";
import { staticFiles } from "./static-files.mjs";
import { startUp } from "./start-up.mjs";

/** @typedef {import("./lib/figures.mjs").Figure} Figure */
/** @typedef {{ markdown: string, plots: Readonly<Record<string, string>> }} Page */
/** @typedef {{ figures: Figure[], page?: Page, measured?: unknown }} Outcome */

/**
 * @typedef {object} BenchmarkOptions
 * @property {string} node
 * @property {number} rounds
 * @property {number} seconds of the comparison's rounds
 * @property {readonly string[]} workloads none: all
 * @property {readonly string[]} peers none: all
 */

/** @typedef {(options: BenchmarkOptions) => Promise<Figure[] | Outcome>} Benchmark */

/**
 * Those of the HTTP engine.
 * @type {Record<string, Benchmark>}
 */
const ENGINE_BENCHMARKS = {
  comparison,
  limits,
  "connection-memory": connectionMemory,
  "moved-connections": movedConnections,
  middleware,
};

/** @type {Record<string, Benchmark>} */
const BENCHMARKS = {
  ...ENGINE_BENCHMARKS,
  "kept-connections": keptConnections,
  "fresh-connections": freshConnections,
  programs,
  "idle-memory": idleMemory,
  "start-up": startUp,
  "even-load": evenLoad,
  "evened-connections": evenedConnections,
  reloads,
  "slow-clients": slowClients,
  "master-cpu": masterCpu,
  "hung-worker": hungWorker,
  "access-log": accessLog,
  metrics,
  "static-files": staticFiles,
};

/**
 * These take long: only by name.
 * @type {Record<string, Benchmark>}
 */
const LONG_BENCHMARKS = { "hundred-reloads": hundredReloads, "large-bodies": largeBodies };

const ALL = { ...BENCHMARKS, ...LONG_BENCHMARKS };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    workload: { type: "string", multiple: true, default: [] },
    peer: { type: "string", multiple: true, default: [] },
    node: { type: "string", multiple: true, default: [process.execPath] },
    rounds: { type: "string", default: "6" },
    seconds: { type: "string", default: "1" },
    json: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

known("benchmark", positionals, Object.keys(ALL));
known("workload", values.workload, Object.keys(WORKLOADS));
known(
  "server",
  values.peer,
  CONTESTANTS.map(({ name }) => name),
);
const usual = Object.keys(values.all ? BENCHMARKS : ENGINE_BENCHMARKS);
const names = positionals.length > 0 ? positionals : usual;
console.log(machine());

/** @type {{ node: string, benchmark: string, outcome: Outcome }[]} */
const results = [];
// Servers start in folders of their own.
for (const node of values.node.map((file) => path.resolve(file))) {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (!version) throw new Error(`${node} does not run`);
  console.log(`\nNode ${version}`);
  for (const name of names) {
    const benchmark = /** @type {Benchmark} */ (ALL[name]);
    const outcome = outcomeOf(
      await benchmark({
        node,
        rounds: Number(values.rounds),
        seconds: Number(values.seconds),
        workloads: values.workload,
        peers: values.peer,
      }),
    );
    results.push({ node: version, benchmark: name, outcome });
    const { figures, page } = outcome;
    console.log(`\n${table(figures)}`);
    for (const { details } of figures) if (details !== undefined) console.log(`  ${JSON.stringify(details)}`);
    if (page !== undefined) console.log(`\n${page.markdown}`);
    if (values.write) await write(name, version, outcome);
  }
}

if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);
process.exitCode = results.every(({ outcome }) => outcome.figures.every(({ isReached }) => isReached)) ? 0 : 1;

/** @param {string} noun @param {readonly string[]} names @param {readonly string[]} all */
function known(noun, names, all) {
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length === 0) return;
  console.error(`no ${noun} ${unknown.join(", ")}; there are ${all.join("; ")}`);
  process.exit(2);
}

/** @param {Figure[] | Outcome} result @returns {Outcome} */
function outcomeOf(result) {
  return Array.isArray(result) ? { figures: result } : result;
}

/**
 * Writes the section of a benchmark and a major version of Node.
 * @param {string} name
 * @param {string} version
 * @param {Outcome} outcome
 */
async function write(name, version, { figures, page }) {
  const rows = figures.map(({ name, asked, reached, isReached }) => [
    name,
    asked,
    reached,
    isReached ? "met" : "**missed**",
  ]);
  const parts = [
    `### ${name}, Node ${version.slice(1)}`,
    `${machine()}; ${values.rounds} interleaved rounds.`,
    ...(rows.length === 0 ? [] : [markdownTable([["figure", "asked", "reached", ""], ...rows])]),
    ...(page === undefined ? [] : [page.markdown]),
  ];
  await writeSection(`${name}, Node ${majorOf(version)}`, parts.join("\n\n"), page?.plots);
}
