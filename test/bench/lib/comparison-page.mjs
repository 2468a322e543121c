/** The comparison's figures, tables and plots, out of its rounds. Pure but for the versions, which are asked. */

import { ASKED } from "./asked.mjs";
import { atMost, rounded } from "./figures.mjs";
import { markdownTable } from "./page-section.mjs";
import { medianRatio, median, spread } from "./rounds.mjs";
import { bars } from "./svg-bars.mjs";
import { WORKLOADS } from "./workloads.mjs";

/** @typedef {import("../comparison.mjs").Result} Result */
/** @typedef {import("../comparison.mjs").Results} Results */

/** What is held to the figures asked, each with both kinds of application: the whole server, and the engine alone. */
const SERVER = "tsgate";
const HELD = [SERVER, "engine"];
/** What all are compared with. */
const MEASURE = "node:http";

const PLOTS = [
  { name: "kept", title: "CPU µs a request, kept connections", workloads: ["hello", "varied", "json"] },
  { name: "large", title: "CPU µs a request, replies of 64 KB and in 16 chunks", workloads: ["large", "stream"] },
  { name: "fresh", title: "CPU µs a request, a fresh connection each, 4 workers", workloads: ["fresh"] },
];

/** @param {Result | undefined} result */
const micros = (result) => (result?.rounds ?? []).map(({ micros }) => micros);

/**
 * Each figure asked for of which both sides were measured.
 * @param {Results} results
 */
export function comparisonFigures(results) {
  return ASKED.flatMap(({ workload, against, limits, isOfWorkers = false }) =>
    Object.entries(limits).flatMap(([kind, limit]) =>
      (isOfWorkers ? [SERVER] : HELD).flatMap((held) => {
        const name = `${held}, ${kind}`;
        const [ours, theirs] = [micros(results[workload]?.[name]), micros(results[workload]?.[against])];
        if (ours.length === 0 || theirs.length === 0) return [];
        const title = `${WORKLOADS[workload]?.title}: ${name}; ${against} = 1`;
        const details = { ourMicros: rounded(ours), theirMicros: rounded(theirs) };
        return [atMost(title, medianRatio(ours, theirs), limit, { unit: "×", digits: 3, details })];
      }),
    ),
  );
}

/**
 * @param {object} about
 * @param {string} about.name of the plots' files
 * @param {readonly { name: string, how: string, version: string }[]} about.servers
 * @param {Readonly<Record<string, string>>} about.missing why, by name
 * @param {Results} about.results
 * @returns {{ markdown: string, plots: Record<string, string> }}
 */
export function comparisonPage({ name, servers, missing, results }) {
  const plots = PLOTS.flatMap((plot) => {
    const workloads = plot.workloads.filter((workload) => workload in results);
    if (workloads.length === 0) return [];
    return [
      { file: `benchmarks-${name}-${plot.name}.svg`, title: plot.title, image: plotOf(plot.title, workloads, results) },
    ];
  });
  const names = Object.keys(results).filter((workload) => !WORKLOADS[workload]?.isReloaded);
  const parts = [
    `CPU time a request in µs, of the whole process tree: median (lowest to highest round). Ratios are taken round by
    round. Memory is proportional: what servers of one run share is divided among them. \`failed\` is what wrk counts, a
    connection that is closed without \`Connection: close\` too.`.replaceAll(/\s+/g, " "),
    overview(
      servers.map(({ name }) => name),
      names,
      results,
    ),
    ...plots.map(({ file, title }) => `![${title}](${file})`),
    ...Object.entries(results).map(([workload, ofServers]) => details(workload, ofServers)),
    `How each was started:\n\n${servers.map(({ name, how, version }) => `- ${name} (${version}): ${how}`).join("\n")}`,
    missingList(missing, results),
  ];
  return { markdown: parts.join("\n\n"), plots: Object.fromEntries(plots.map(({ file, image }) => [file, image])) };
}

/**
 * @param {readonly string[]} servers
 * @param {readonly string[]} workloads
 * @param {Results} results
 */
function overview(servers, workloads, results) {
  const head = ["", ...workloads.map((workload) => WORKLOADS[workload]?.title ?? workload)];
  const rows = servers.map((name) => [name, ...workloads.map((workload) => range(micros(results[workload]?.[name])))]);
  return markdownTable([head, ...rows]);
}

/** @param {readonly number[]} values */
function range(values) {
  if (values.length === 0) return "–";
  const { value, low, high } = spread(values);
  return `${shown(value)} (${shown(low)} to ${shown(high)})`;
}

/** @param {number} value */
const shown = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/**
 * @param {string} workload
 * @param {Readonly<Record<string, Result>>} ofServers
 */
function details(workload, ofServers) {
  const { title, isReloaded = false } = WORKLOADS[workload] ?? { title: workload };
  const measure = micros(ofServers[MEASURE]);
  const head = isReloaded
    ? ["", "failed", "requests", "requests a second", "p50 ms", "p99 ms", "longest p99 ms"]
    : ["", `CPU, ${MEASURE} = 1`, "requests a second", "p50 ms", "p99 ms", "memory MB", "failed"];
  const rows = Object.entries(ofServers).map(([name, { rounds, memoryMb = Number.NaN }]) => {
    /** @param {(round: import("../comparison.mjs").Round) => number} of */
    const middle = (of) => median(rounds.map(of));
    const failed = rounds.reduce((sum, { errors }) => sum + errors, 0);
    const [perSecond, p50, p99] = [
      middle((r) => r.perSecond).toFixed(0),
      middle((r) => r.p50Ms),
      middle((r) => r.p99Ms),
    ];
    if (rounds.length === 0) return [name, ...head.slice(1).map(() => "–")];
    if (isReloaded) {
      const requests = rounds.reduce((sum, { requests }) => sum + requests, 0);
      const longest = Math.max(...rounds.map((round) => round.p99Ms));
      return [name, String(failed), String(requests), perSecond, ...[p50, p99, longest].map((ms) => ms.toFixed(1))];
    }
    const ratio = measure.length === 0 ? "–" : medianRatio(micros(ofServers[name]), measure).toFixed(2);
    return [name, ratio, perSecond, p50.toFixed(2), p99.toFixed(2), memoryMb.toFixed(0), String(failed)];
  });
  return `<details><summary>${title}</summary>\n\n${markdownTable([head, ...rows])}\n\n</details>`;
}

/**
 * @param {Readonly<Record<string, string>>} missing
 * @param {Results} results
 */
function missingList(missing, results) {
  const absent = Object.entries(missing).map(([name, why]) => `- ${name}: ${why}`);
  const failed = Object.entries(results).flatMap(([workload, ofServers]) =>
    Object.entries(ofServers).flatMap(([name, { problem }]) =>
      problem === undefined ? [] : [`- ${name}, ${WORKLOADS[workload]?.title}: ${problem}`],
    ),
  );
  const all = [...absent, ...failed];
  return all.length === 0 ? "Nothing was missing." : `Not measured:\n\n${all.join("\n")}`;
}

/**
 * @param {string} title
 * @param {readonly string[]} workloads
 * @param {Results} results
 */
function plotOf(title, workloads, results) {
  const servers = [...new Set(workloads.flatMap((workload) => Object.keys(results[workload] ?? {})))];
  const groups = servers.map((name) => ({
    name,
    values: Object.fromEntries(
      workloads.map((workload) => {
        const values = micros(results[workload]?.[name]);
        return [WORKLOADS[workload]?.title ?? workload, values.length === 0 ? undefined : spread(values)];
      }),
    ),
  }));
  return bars(title, groups, { digits: 1, missing: "not measured" });
}
