/** Whether the settings fit the kind of application that was found: one that cannot act on it is an error, not ignored. */

import { isDeepStrictEqual } from "node:util";
import { flagOf, variableOf, type ApplicationKind } from "./setting-row.ts";
import { rowOf, SETTING_KEYS } from "./settings.ts";
import type { Configuration, Settings } from "./types.ts";

/**
 * The sentence about the first setting that somebody gave and that no application of these kinds can have; else
 * undefined.
 */
export function settingMisfit(configuration: Configuration, found: readonly ApplicationKind[]): string | undefined {
  for (const key of SETTING_KEYS) {
    const { default: usual, kinds } = rowOf(key);
    const isGiven = configuration.origins[key] !== "default" && !isDeepStrictEqual(configuration.settings[key], usual);
    if (!isGiven || kinds === undefined || found.some((kind) => kinds.includes(kind))) continue;
    const where = placeOf(key, configuration);
    return `${where} has no effect on an application of kind ${[...new Set(found)].join(" or ")}, only on kind ${kinds.join(", ")}; leave it out`;
  }
  return undefined;
}

function placeOf(key: keyof Settings, { configFile, origins }: Configuration): string {
  if (origins[key] === "file") return `${key} in ${configFile ?? "the configuration"}`;
  return origins[key] === "environment" ? variableOf(key) : flagOf(key);
}
