/** The worker's hooks of the configuration file. One that throws is logged with its name and changes nothing else. */

import { hooksOf, readConfigFile } from "../config/config-file.ts";
import { type Hooks, WORKER_HOOKS, type WorkerInfo } from "../config/types.ts";
import { reportError } from "../errors.ts";
import { log } from "./channel.ts";
import { settledWithin } from "../settled-within.ts";

const LONGEST_HOOK_MS = 10_000;

export type WorkerHookName = (typeof WORKER_HOOKS)[number];

/** Runs `name` of the hooks in `file`, if it is there. Never rejects. */
export async function runWorkerHook(file: string | undefined, name: WorkerHookName, worker: WorkerInfo): Promise<void> {
  if (file === undefined) return;
  try {
    const hook = (await readHooks(file))[name];
    if (hook !== undefined) await settledWithin(LONGEST_HOOK_MS, hook(worker));
  } catch (error) {
    log("error", "hook failed", { hook: name, error: reportError(error) });
  }
}

let loaded: Promise<Hooks> | undefined;

async function readHooks(file: string): Promise<Hooks> {
  loaded ??= readConfigFile(file).then((object) => hooksOf(file, object));
  return loaded;
}
