/**
 * The chaos suite: `npm run test:chaos -- [OPTIONS]`. Plays lives of servers out of a seed and ends with the tally; the
 * exit code is 1 when an invariant was violated, and then the command that plays that life again is said.
 *
 *   --seed N         what is played; default: a new one
 *   --seconds T      no scene begins after that; default 60, unless a life is given
 *   --life N         this life only, whole
 *   --scenes N       so many scenes of a life
 *   --only NAME      only events of that name, may be repeated
 *   --ending NAME    lives end so
 *   --node PATH      the Node that runs the server; default: this one
 *   --binary FILE    the bin/tsgate.js that is started; default: the one of this repository
 *   --list           the names of events and endings
 */

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CATALOGUE } from "./catalogue.ts";
import { runChaos } from "./chaos.ts";
import { ENDINGS } from "./endings.ts";
import { replayOf, tallyOf, violationsOf } from "./report.ts";

const OUTPUT = fileURLToPath(new URL("../../.cache/chaos", import.meta.url));
const DEFAULT_SECONDS = 60;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string" },
    life: { type: "string" },
    scenes: { type: "string" },
    only: { type: "string", multiple: true },
    ending: { type: "string" },
    node: { type: "string" },
    binary: { type: "string" },
    list: { type: "boolean", default: false },
  },
});

if (values.list) {
  console.log(`events: ${CATALOGUE.map(({ name }) => name).join(", ")}`);
  console.log(`endings: ${ENDINGS.map(({ name }) => name).join(", ")}`);
} else {
  await main();
}

async function main(): Promise<void> {
  const { only, ending, node, binary } = values;
  const life = numberOf("life");
  const scenes = numberOf("scenes");
  const seed = numberOf("seed") ?? Math.floor(Math.random() * 1_000_000);
  console.log(`seed ${seed}, node ${node ?? process.version}`);
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
  const report = await runChaos({
    seed,
    life,
    seconds: numberOf("seconds") ?? (life === undefined ? DEFAULT_SECONDS : undefined),
    node,
    binary,
    say: console.log,
    signal: interrupted.signal,
    ...(scenes === undefined ? {} : { scenes }),
    ...(only === undefined ? {} : { only }),
    ...(ending === undefined ? {} : { ending }),
  });
  console.log(["", ...tallyOf(report)].join("\n"));
  const violations = violationsOf(report);
  if (violations.length === 0) return;
  process.exitCode = 1;
  const file = path.join(OUTPUT, `seed-${seed}.log`);
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(file, report.lives.at(-1)?.log ?? "");
  const given = [
    ...(only ?? []).map((name) => ` --only ${JSON.stringify(name)}`),
    ...(ending === undefined ? [] : [` --ending ${JSON.stringify(ending)}`]),
    ...(node === undefined ? [] : [` --node ${node}`]),
    ...(binary === undefined ? [] : [` --binary ${binary}`]),
  ];
  console.log(
    ["", ...violations, `the server's log: ${file}`, `again: ${replayOf(report, given.join(""))}`].join("\n"),
  );
}

function numberOf(name: "seed" | "seconds" | "life" | "scenes"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${text} is no number`);
  return value;
}
