/**
 * The places where a setting can be given: configuration file, environment, command line. Each knows how its values
 * are spelled and how to name the spot in a complaint; which of them wins is decided in `resolve.ts`.
 */

import { usageError } from "../errors.ts";
import type { ConfigObject } from "./config-file.ts";
import { nearest } from "./nearest.ts";
import { flagOf, variableOf, type SettingRow, type ValueType } from "./setting-row.ts";
import { SETTING_KEYS, SETTINGS } from "./settings.ts";
import { MASTER_HOOKS, WORKER_HOOKS, type Origin, type Settings } from "./types.ts";
import { ValueError } from "./value-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One place. `read` gives the parsed value, or undefined when the setting is not given there; throws `ValueError`. */
export interface Layer {
  readonly origin: Origin;
  /** How the setting is called there: `--workers`, `TSGATE_WORKERS`, `workers in /srv/tsgate.config.js`. */
  where(key: keyof Settings): string;
  read<T>(key: keyof Settings, type: ValueType<T>): { readonly value: T } | undefined;
}

/** Keys of the configuration file that are not settings. */
const FILE_KEYS = ["app", "appArgs", ...MASTER_HOOKS, ...WORKER_HOOKS] as const;

/** The settings in what the configuration file `path` exports. Throws a usage error for a key that is not known. */
export function fileLayer(path: string, object: ConfigObject): Layer {
  for (const key of Object.keys(object)) refuseUnknownKey(path, key);
  return {
    origin: "file",
    where: (key) => `${key} in ${path}`,
    read: (key, type) => {
      const given = object[key];
      return given === undefined || given === null ? undefined : { value: type.fromNative(given) };
    },
  };
}

/** The settings in the environment; an empty variable counts as not set. Throws a usage error for an unknown one. */
export function environmentLayer(env: Environment): Layer {
  for (const variable of Object.keys(env)) refuseUnknownVariable(variable);
  return {
    origin: "environment",
    where: variableOf,
    read: (key, type) => {
      const given = env[variableOf(key)]?.trim() ?? "";
      if (given === "") return undefined;
      return { value: type.fromTexts(type.arity === "many" ? given.split(/\s+/) : [given]) };
    },
  };
}

/** The settings on the command line, as `parseCommandLine` gives them; native values (of a program) do too. */
export function flagsLayer(flags: Readonly<Record<string, unknown>>): Layer {
  return {
    origin: "command line",
    where: flagOf,
    read: (key, type) => {
      const given = flags[key];
      if (given === undefined) return undefined;
      if (typeof given === "string") return { value: type.fromTexts([given]) };
      const isTexts = Array.isArray(given) && given.every((text) => typeof text === "string");
      return { value: isTexts ? type.fromTexts(given) : type.fromNative(given) };
    },
  };
}

/** Reads a setting from `layer`; a value that cannot be used is a usage error that names the spot. */
export function readSetting<T>(
  layer: Layer,
  key: keyof Settings,
  row: SettingRow<T>,
): { readonly value: T } | undefined {
  try {
    return layer.read(key, row.type);
  } catch (error) {
    throw error instanceof ValueError ? usageError(`${layer.where(key)}: ${error.message}`) : error;
  }
}

function refuseUnknownKey(path: string, key: string): void {
  const known: readonly string[] = [...SETTING_KEYS.filter((name) => SETTINGS[name].inFile !== false), ...FILE_KEYS];
  if (known.includes(key)) return;
  if ((SETTING_KEYS as readonly string[]).includes(key))
    throw usageError(`${key} in ${path} cannot be set there; give ${flagOf(key)} or ${variableOf(key)}`);
  throw usageError(
    `${key} in ${path} is not a setting; ${didYouMean(key, known, "the keys are listed in docs/settings.md")}`,
  );
}

function refuseUnknownVariable(variable: string): void {
  if (!variable.startsWith("TSGATE_")) return;
  const known = SETTING_KEYS.map(variableOf);
  if (known.includes(variable)) return;
  throw usageError(
    `${variable} is not a setting of tsgate; ${didYouMean(variable, known, "unset it, or see docs/settings.md")}`,
  );
}

function didYouMean(word: string, known: readonly string[], otherwise: string): string {
  const near = nearest(word, known);
  return near === undefined ? otherwise : `did you mean ${near}?`;
}
