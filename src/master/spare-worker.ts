/**
 * A worker forked before anything is known of it: its process starts while the master still reads its command line, so
 * that the first reply comes sooner. It becomes the first worker if it was forked as that one would be; else it is
 * killed. It runs no code of the application before it is given an order.
 */

import fs from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type ForkOptions, WorkerProcess } from "./worker-process.ts";

const PLAIN: ForkOptions = {
  entry: path.join(import.meta.dirname, "worker.cjs"),
  nodeArgs: [],
  env: {},
  cwd: undefined,
};

/** What may change how a worker is forked, or means that none will be. */
const TELLING_FLAG =
  /^(?:-[cehv]|--(?:config|chdir|env|env-file|node-arg|import|preload|help|version|print-config|check-config)(?:=|$))/;
const TELLING_VARIABLE = /^(?:TSGATE_(?:CONFIG|CHDIR|ENV|ENV_FILE|NODE_ARG|IMPORT|PRELOAD)|LISTEN_FDS)$/;
const CONFIG_FILE = /^tsgate\.config\./;

let spare: WorkerProcess | undefined;

/** Forks the spare, unless something already tells that it would not be of use. */
export function forkSpare(argv: readonly string[]): void {
  const own = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length);
  if (own.length === 0 || own.some((arg) => TELLING_FLAG.test(arg))) return;
  if (Object.keys(process.env).some((name) => TELLING_VARIABLE.test(name))) return;
  try {
    if (fs.readdirSync(".").some((name) => CONFIG_FILE.test(name))) return;
  } catch {
    // A directory that cannot be read: whoever needs it will say so.
    return;
  }
  spare = new WorkerProcess(PLAIN);
}

/** The spare, if it is what forking with `options` would give. Only once. */
export function takeSpare(options: ForkOptions): WorkerProcess | undefined {
  const taken = spare;
  spare = undefined;
  if (taken !== undefined && isDeepStrictEqual(options, PLAIN)) return taken;
  taken?.kill();
  return undefined;
}

/** Kills the spare if nobody has taken it. */
export function dropSpare(): void {
  spare?.kill();
  spare = undefined;
}
