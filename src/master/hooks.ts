/**
 * The master's hooks of the configuration file. One that throws is logged with its name and changes nothing else; an
 * asynchronous one is awaited for at most 10 s where its caller waits for it.
 */

import type { Hooks, MASTER_HOOKS } from "../config/types.ts";
import { reportError } from "../errors.ts";
import type { WriteRecord } from "../logger.ts";
import { settledWithin } from "../settled-within.ts";

const LONGEST_HOOK_MS = 10_000;

type MasterHookName = (typeof MASTER_HOOKS)[number];

const running = new Set<Promise<void>>();

/** Runs the hook called `name`, if there is one. Resolves when it has settled or its time is up; never rejects. */
export async function runHook<Name extends MasterHookName>(
  hooks: Hooks,
  name: Name,
  log: WriteRecord,
  ...args: Parameters<NonNullable<Hooks[Name]>>
): Promise<void> {
  const hook = hooks[name] as ((...args: unknown[]) => unknown) | undefined;
  if (hook === undefined) return;
  const run = settle(name, () => hook(...args), log);
  running.add(run);
  await run;
  running.delete(run);
}

/** Resolves when no hook is running that nobody waits for. */
export async function hooksSettled(): Promise<void> {
  await Promise.all(running);
}

async function settle(name: MasterHookName, hook: () => unknown, log: WriteRecord): Promise<void> {
  try {
    const isSettled = await settledWithin(LONGEST_HOOK_MS, hook());
    if (!isSettled) log("warn", "hook is late", { hook: name, waitedMs: LONGEST_HOOK_MS });
  } catch (error) {
    log("error", "hook failed", { hook: name, error: reportError(error) });
  }
}
