/**
 * A worker forked before anything is known of it: its process starts while the master still reads its command line, so
 * that the first reply comes sooner. It becomes the first worker if it was forked as that one would be; else it is
 * killed. It runs no code of the application before it is given an order.
 */

import fs from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { headArgs } from "../config/head-size.ts";
import { heapArgs } from "../config/heap-limit.ts";
import { readMachineFacts, readMemoryLimit } from "../config/machine-facts.ts";
import { workerCountFor } from "../config/worker-count.ts";
import { type ForkOptions, WorkerProcess } from "./worker-process.ts";

/** What may change how a worker is forked, or means that none will be. */
const TELLING_FLAG =
  /^(?:-[cehv]|--(?:config|chdir|env|env-file|node-arg|import|preload|capture-output|help|version|print-config|check-config)(?:=|$))/;
const TELLING_VARIABLE = /^(?:TSGATE_(?:CONFIG|CHDIR|ENV|ENV_FILE|NODE_ARG|IMPORT|PRELOAD|CAPTURE_OUTPUT)|LISTEN_FDS)$/;
const CONFIG_FILE = /^tsgate\.config\./;

/** The number of workers, where the command line says it. */
const WORKERS = /(?:^|\0)(?:-w\0?|--workers[\0=])(\d+)(?=\0|$)/g;

let spare: { readonly process: WorkerProcess; readonly options: ForkOptions } | undefined;

/** Forks the spare, unless something already tells that it would not be of use. */
export function forkSpare(argv: readonly string[]): void {
  const own = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length);
  if (own.length === 0 || own[0] === "ctl" || own.some((arg) => TELLING_FLAG.test(arg))) return;
  if (Object.keys(process.env).some((name) => TELLING_VARIABLE.test(name))) return;
  try {
    if (fs.readdirSync(".").some((name) => CONFIG_FILE.test(name))) return;
  } catch {
    // A directory that cannot be read: whoever needs it will say so.
    return;
  }
  const options = plainOptions(own);
  spare = { process: new WorkerProcess(options), options };
}

/** The spare, if it is what forking with `options` would give. Only once. */
export function takeSpare(options: ForkOptions): WorkerProcess | undefined {
  const taken = spare;
  spare = undefined;
  if (taken !== undefined && isDeepStrictEqual(options, taken.options)) return taken.process;
  taken?.process.kill();
  return undefined;
}

/** Kills the spare if nobody has taken it. */
export function dropSpare(): void {
  spare?.process.kill();
  spare = undefined;
}

/** How a worker is forked of which nothing is said; under a memory limit with the heap that most likely will be its own. */
function plainOptions(argv: readonly string[]): ForkOptions {
  const memoryLimit = readMemoryLimit();
  const nodeOptions = process.env["NODE_OPTIONS"];
  const heap =
    memoryLimit === undefined ? [] : heapArgs({ memoryLimit, workers: likelyWorkers(argv), nodeArgs: [], nodeOptions });
  return {
    entry: path.join(import.meta.dirname, "worker.cjs"),
    nodeArgs: [...heap, ...headArgs([], nodeOptions)],
    env: {},
    cwd: undefined,
    capturesOutput: false,
  };
}

/** A guess, without the parser: when it is wrong, the spare is not taken. */
function likelyWorkers(argv: readonly string[]): number {
  const { TSGATE_WORKERS, WEB_CONCURRENCY } = process.env;
  const told = Number([...argv.join("\0").matchAll(WORKERS)].at(-1)?.[1] ?? (TSGATE_WORKERS || WEB_CONCURRENCY));
  return Number.isInteger(told) && told > 0 ? told : workerCountFor(readMachineFacts()).count;
}
