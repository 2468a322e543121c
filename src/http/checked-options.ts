/**
 * What programs that no compiler checks give to the engine: refused here in one sentence, before it fails far from where it
 * was written, or switches off what it was to set.
 */

import { kindOf } from "../gateway/response-headers.ts";
import type { EngineOptions } from "./engine-options.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";

const FUNCTIONS = ["onError", "onUpgrade", "onBadRequest"] as const;

const OPTIONS: Readonly<Record<keyof EngineOptions, true>> = {
  limits: true,
  multiprocess: true,
  errors: true,
  onError: true,
  urlScheme: true,
  trustedPeers: true,
  refusesUnderscores: true,
  servesHalfClosed: true,
  onUpgrade: true,
  onBadRequest: true,
};

/** The names that an engine's options have. */
export const ENGINE_OPTIONS: readonly string[] = Object.keys(OPTIONS);

/** Throws a TypeError for what is no gateway application, and says where a fetch handler is served. */
export function checkApplication(application: unknown): void {
  if (typeof application === "function") return;
  const { fetch } = Object(application) as { fetch?: unknown };
  throw new TypeError(
    typeof fetch === "function"
      ? "the application is an object with fetch(request), which the tsgate command serves, and run of tsgate; the engine takes a function (environ, startResponse)"
      : `the application must be a function (environ, startResponse), not ${kindOf(application)}`,
  );
}

/** Throws a TypeError for options that are none of an engine's; values of names beyond its own are not looked at. */
export function checkOptions(options: EngineOptions, names = ENGINE_OPTIONS): void {
  checkNames("option", options, names);
  for (const name of FUNCTIONS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`${name} must be a function, not ${kindOf(value)}`);
    }
  }
}

/** The limits that hold: a default where none is given, or undefined. Throws a TypeError for what is no limit. */
export function limitsOf(given: EngineOptions["limits"] = {}): Limits {
  checkNames("limit", given, Object.keys(DEFAULT_LIMITS));
  const set = Object.entries<unknown>(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) {
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) continue;
    const found = typeof value === "number" ? String(value) : kindOf(value);
    throw new TypeError(`limits.${name} must be a number, 0 or more and finite, not ${found}`);
  }
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(set) };
}

function checkNames(word: string, given: unknown, names: readonly string[]): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`${word}s must be an object, not ${kindOf(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`there is no ${word} "${unknown}"; there are ${names.join(", ")}`);
}
