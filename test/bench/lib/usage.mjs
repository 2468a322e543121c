/** What `npm run bench` takes, and what is made of it before anything is started. */

import { spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";

const USAGE = `npm run bench -- [NAME …] [--all] [--workload NAME …] [--peer NAME …] [--rounds N] [--seconds S]
                 [--node PATH …] [--json FILE] [--write]

  NAME             which benchmarks; default those of the engine, which compare it with other servers: some 25 minutes
  --all            every benchmark but those that take longest
  --workload NAME  one of the comparison; may be repeated: all
  --peer NAME      one of the comparison's servers, ours included; may be repeated: all
  --rounds N       interleaved rounds, of which the median is told: 6
  --seconds S      of each server in a round of the comparison: 1
  --node PATH      the Node that is measured; may be repeated: the one that runs this
  --json FILE      gets all that was measured
  --write          puts what was measured into docs/benchmarks.md, each benchmark into its own section

Ends with 1 when a figure that is asked for was missed.`;

/**
 * @typedef {object} Asked
 * @property {readonly string[]} benchmarks none: the usual ones
 * @property {boolean} all
 * @property {readonly string[]} workloads none: all
 * @property {readonly string[]} peers none: all
 * @property {readonly { node: string, version: string }[]} nodes absolute: servers start in folders of their own
 * @property {number} rounds
 * @property {number} seconds
 * @property {string | undefined} json
 * @property {boolean} write
 */

/**
 * The usage where it is asked for; a sentence where something is wrong.
 * @param {readonly string[]} args
 * @param {Readonly<Record<"benchmark" | "workload" | "server", readonly string[]>>} known the names that there are
 * @returns {Asked | { problem: string } | string}
 */
export function parseUsage(args, known) {
  let parsed;
  try {
    parsed = parse(args);
  } catch (error) {
    const [sentence] = /** @type {Error} */ (error).message.split(/\.\s/);
    return { problem: `${sentence}; --help says what there is` };
  }
  const { values, positionals } = parsed;
  if (values.help) return USAGE;
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  const nodes = values.node.map((file) => path.resolve(file)).map((node) => ({ node, version: versionOf(node) }));
  const problem =
    unknown("benchmark", positionals, known.benchmark) ??
    unknown("workload", values.workload, known.workload) ??
    unknown("server", values.peer, known.server) ??
    (Number.isInteger(rounds) && rounds > 0 ? undefined : `--rounds: "${values.rounds}" is no whole number above 0`) ??
    (Number.isFinite(seconds) && seconds > 0 ? undefined : `--seconds: "${values.seconds}" is no number above 0`) ??
    nodes.map(({ node, version }) => (version === "" ? `--node: ${node} does not run` : undefined)).find(Boolean);
  if (problem !== undefined) return { problem };
  const { all, json, write, workload: workloads, peer: peers } = values;
  return { benchmarks: positionals, all, workloads, peers, nodes, rounds, seconds, json, write };
}

/** @param {readonly string[]} args */
function parse(args) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
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
}

/** @param {string} noun @param {readonly string[]} names @param {readonly string[]} all */
function unknown(noun, names, all) {
  const others = names.filter((name) => !all.includes(name));
  return others.length === 0 ? undefined : `no ${noun} ${others.join(", ")}; there are ${all.join("; ")}`;
}

/** @param {string} node "" where it does not run */
function versionOf(node) {
  const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
  return /^v\d+\S*/.exec(stdout ?? "")?.[0] ?? "";
}
