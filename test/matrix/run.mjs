/**
 * The suites on every supported Node: `npm run test:matrix -- [MAJOR …] [--others] [--node PATH …] [--project NAME …]
 * [--report FILE] [-- FILTER …]`. Builds once, runs vitest with each Node in turn, and ends with one table; the exit
 * code is 1 when a test failed or a Node could not be had.
 *
 *   --others        leave out the major version that runs this script: `npm test` has done it
 *   --node PATH     a Node to run with, in place of the one of its major version that would be installed; without
 *                   any MAJOR: these alone
 *   --project NAME  as vitest's; default: unit, conformance and integration
 *   --report FILE   the results of all versions as one report, in the shape of vitest's own JSON
 *   FILTER          what vitest takes for one: part of a test file's path, or its options
 */

import { spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { aligned } from "../bench/lib/figures.mjs";
import { installedNode, majorOf, nodeAt } from "./nodes.mjs";
import { failuresOf, merged } from "./reports.mjs";

/** @typedef {import("./nodes.mjs").Node} Node */
/** @typedef {import("./reports.mjs").Report} Report */
/** @typedef {{ node: Node, report: Report | undefined, seconds: number, output: string }} Run */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = path.join(ROOT, ".cache");
const MAJORS = [20, 22, 24, 26];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    others: { type: "boolean", default: false },
    node: { type: "string", multiple: true, default: [] },
    project: { type: "string", multiple: true, default: ["unit", "conformance", "integration"] },
    report: { type: "string" },
  },
});
const majors = positionals.filter((word) => /^\d+$/.test(word)).map(Number);
const filters = positionals.filter((word) => !/^\d+$/.test(word));

const { nodes, problems } = await findNodes();
for (const problem of problems) console.error(problem);
if (nodes.length > 0) build();
/** @type {Run[]} */
const runs = [];
for (const node of nodes) runs.push(await runSuites(node));

for (const { node, report, output } of runs) {
  if (report === undefined) console.log(`\nNode ${node.version}: vitest ended without a report; see ${output}`);
  for (const { name, message } of failuresOf(report)) console.log(`\nNode ${node.version}: ${name}\n${message}`);
}
if (runs.length > 0) {
  console.log(`\n${table(runs)}`);
  for (const { node, report } of runs)
    for (const { name } of failuresOf(report)) console.log(`failed on ${node.version}: ${name}`);
  for (const problem of problems) console.log(problem);
}
if (values.report !== undefined)
  await writeFile(values.report, JSON.stringify(merged(runs.flatMap(({ report }) => report ?? []))));
const isGood = problems.length === 0 && runs.every(({ report }) => report?.success === true);
process.exitCode = isGood ? 0 : 1;

/**
 * The Nodes to run with, and a sentence for each that cannot be had.
 * @returns {Promise<{ nodes: Node[], problems: string[] }>}
 */
async function findNodes() {
  /** @type {Map<number, Node>} */
  const given = new Map();
  /** @type {string[]} */
  const problems = [];
  for (const file of values.node) {
    const node = nodeAt(path.resolve(file));
    if (node === undefined) problems.push(`--node ${file} is no Node that runs`);
    else given.set(majorOf(node.version), node);
  }
  const isOnlyGiven = majors.length === 0 && values.node.length > 0;
  const asked = [...(isOnlyGiven ? [] : majors.length > 0 ? majors : MAJORS), ...given.keys()];
  const wanted = [...new Set(asked)].filter((major) => !values.others || major !== majorOf(process.version));
  /** @type {Node[]} */
  const nodes = [];
  for (const major of wanted.sort((a, b) => a - b)) {
    const found = given.get(major) ?? (await installedNode(major, path.join(CACHE, "node", String(major))));
    if (typeof found === "string") problems.push(found);
    else nodes.push(found);
  }
  return { nodes, problems };
}

function build() {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

/**
 * Runs the suites with `node`; shows each test file when it is done, and writes everything to a file.
 * @param {Node} node
 * @returns {Promise<Run>}
 */
async function runSuites(node) {
  const folder = path.join(CACHE, "matrix");
  const output = path.join(folder, `node-${majorOf(node.version)}.log`);
  const reportFile = path.join(folder, `node-${majorOf(node.version)}.json`);
  await mkdir(folder, { recursive: true });
  await rm(reportFile, { force: true });
  console.log(`\n== Node ${node.version}, all output in ${output}`);
  const startedAt = performance.now();
  const args = [
    path.join(ROOT, "node_modules/vitest/vitest.mjs"),
    "run",
    "--config",
    "test/vitest.config.ts",
    "--no-color",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportFile}`,
    ...values.project.flatMap((project) => ["--project", project]),
    ...filters,
  ];
  const vitest = spawn(node.file, args, {
    cwd: ROOT,
    env: { ...process.env, PATH: [path.dirname(node.file), process.env["PATH"]].join(path.delimiter) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(output);
  vitest.stdout.pipe(log, { end: false });
  vitest.stderr.pipe(log, { end: false });
  createInterface(vitest.stdout).on("line", (line) => {
    if (/^ [✓×❯↓] .*\.test\.ts/.test(line)) console.log(line);
  });
  await once(vitest, "close");
  log.end();
  return { node, report: await readReport(reportFile), seconds: (performance.now() - startedAt) / 1000, output };
}

/**
 * @param {string} file
 * @returns {Promise<Report | undefined>} undefined when vitest did not get as far as to write one
 */
async function readReport(file) {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** @param {readonly Run[]} runs */
function table(runs) {
  const rows = runs.map(({ node, report, seconds }) => [
    node.version,
    ...(report === undefined
      ? ["–", "–", "–"]
      : [report.numPassedTests, failuresOf(report).length, report.numPendingTests + report.numTodoTests].map(String)),
    seconds.toFixed(0),
  ]);
  return aligned([["Node", "passed", "failed", "skipped", "seconds"], ...rows]);
}
