/**
 * What the log says of a broken rule of the gateway, whichever validator has found it: that of `--validate`, or one that
 * the application has put into a stack of its own. Each breach is logged once, however often it comes by.
 */

import { reportError } from "../errors.ts";
import type { RuleBreach } from "../gateway/validator/index.ts";
import { log } from "./channel.ts";

export interface BrokenRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly requestId: string | undefined;
}

/** Logs it as `gateway rule broken`, with the rule and who broke it. */
export function logRuleBreach(breach: RuleBreach, { method, path, requestId }: BrokenRequest): void {
  if (logged.has(breach)) return;
  logged.add(breach);
  const { rule, role, isError } = breach;
  log(isError ? "error" : "warn", "gateway rule broken", {
    rule,
    by: role,
    method,
    path,
    requestId,
    error: reportError(breach),
  });
}

/** Also of a validator from another copy of this package than the one that serves: applications bring their own. */
export function isRuleBreach(error: unknown): error is RuleBreach {
  if (!(error instanceof Error) || error.name !== "RuleBreach") return false;
  const { rule, role, isError } = error as Partial<RuleBreach>;
  return typeof rule === "string" && typeof role === "string" && typeof isError === "boolean";
}

const logged = new WeakSet<RuleBreach>();
