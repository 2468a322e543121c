/**
 * What a reload may change: settings whose row says `restart` keep their value until then. Pure.
 */

import { isDeepStrictEqual } from "node:util";
import { rowOf, SETTING_KEYS } from "./settings.ts";
import type { Configuration, Settings } from "./types.ts";

export interface ReloadedConfiguration {
  /** `next`, with what needs a restart as it was in `current`. */
  readonly configuration: Configuration;
  /** The settings whose change was put off, for the log. */
  readonly needsRestart: readonly (keyof Settings)[];
}

/** The configuration to go on with after a reload found `next` where `current` was running. */
export function configurationAtReload(current: Configuration, next: Configuration): ReloadedConfiguration {
  const needsRestart = SETTING_KEYS.filter(
    (key) => rowOf(key).takesEffect === "restart" && !isDeepStrictEqual(current.settings[key], next.settings[key]),
  );
  const settings = overlaid(next.settings, current.settings, needsRestart);
  const origins = overlaid(next.origins, current.origins, needsRestart);
  return { configuration: { ...next, settings, origins }, needsRestart };
}

/** `base` with the values that `over` has for `keys`. */
function overlaid<T extends object>(base: T, over: T, keys: readonly (keyof T)[]): T {
  const result = { ...base };
  for (const key of keys) result[key] = over[key];
  return result;
}
