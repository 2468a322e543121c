/**
 * The benchmarks: `npm run bench`; `lib/usage.mjs` says what it takes. Prints each figure as it is asked for and as it was
 * reached; ends with 1 when one was missed, and with 2 when nothing was measured because of what was asked.
 */

import { writeFile } from "node:fs/promises";
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
import { parseUsage } from "./lib/usage.mjs";
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

const asked = parseUsage(process.argv.slice(2), {
  benchmark: Object.keys(ALL),
  workload: Object.keys(WORKLOADS),
  server: CONTESTANTS.map(({ name }) => name),
});
if (typeof asked === "string") {
  console.log(asked);
  process.exit(0);
}
if ("problem" in asked) {
  console.error(asked.problem);
  process.exit(2);
}
const { rounds } = asked;
const usual = Object.keys(asked.all ? BENCHMARKS : ENGINE_BENCHMARKS);
const names = asked.benchmarks.length > 0 ? asked.benchmarks : usual;
console.log(machine());

/** @type {{ node: string, benchmark: string, outcome: Outcome }[]} */
const results = [];
for (const { node, version } of asked.nodes) {
  console.log(`\nNode ${version}`);
  for (const name of names) {
    const benchmark = /** @type {Benchmark} */ (ALL[name]);
    const outcome = outcomeOf(
      await benchmark({
        node,
        rounds,
        seconds: asked.seconds,
        workloads: asked.workloads,
        peers: asked.peers,
      }),
    );
    results.push({ node: version, benchmark: name, outcome });
    const { figures, page } = outcome;
    console.log(`\n${table(figures)}`);
    for (const { details } of figures) if (details !== undefined) console.log(`  ${JSON.stringify(details)}`);
    if (page !== undefined) console.log(`\n${page.markdown}`);
    if (asked.write) await write(name, version, outcome);
  }
}

if (asked.json !== undefined)
  await writeFile(asked.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);
process.exitCode = results.every(({ outcome }) => outcome.figures.every(({ isReached }) => isReached)) ? 0 : 1;

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
    `${machine()}; ${rounds} interleaved rounds.`,
    ...(rows.length === 0 ? [] : [markdownTable([["figure", "asked", "reached", ""], ...rows])]),
    ...(page === undefined ? [] : [page.markdown]),
  ];
  await writeSection(`${name}, Node ${majorOf(version)}`, parts.join("\n\n"), page?.plots);
}
