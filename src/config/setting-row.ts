/**
 * What a row of the settings table says, the kinds of value a row can have, and the names that follow from its key:
 * `maxRequests` is `--max-requests` and `TSGATE_MAX_REQUESTS`. Knows no setting by name.
 */

import type { MachineFacts } from "./worker-count.ts";
import type { InterfaceName, Origin, Settings } from "./types.ts";
import {
  formatDuration,
  formatSize,
  parseAssignment,
  parseDuration,
  parseSize,
  parseSwitch,
  parseText,
} from "./values.ts";
import { quoted, ValueError } from "./value-error.ts";

export type ApplicationKind = Exclude<InterfaceName, "auto">;
/** The kinds of application there are. */
export const APPLICATION_KINDS: readonly ApplicationKind[] = ["gateway", "fetch", "node", "server", "wsgi"];

/** How a value is read and shown. `arity` says how often a flag may be given, or that it takes no value. */
export interface ValueType<T> {
  readonly arity: "one" | "many" | "switch";
  /** Reads what flags or a variable gave: one text for `one` and `switch`, any number for `many`. Throws `ValueError`. */
  fromTexts(texts: readonly string[]): T;
  /** Reads what a configuration file gave. Throws `ValueError`. */
  fromNative(value: unknown): T;
  /** As a person would write it; lists as one text each. */
  show(value: T): readonly string[];
}

/** What a default may depend on. The facts of the machine cost file reads, so they are asked for. */
export interface DefaultFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly machine: () => MachineFacts;
}

/** A default that was found rather than fixed, with the reason in a few words. */
export interface FoundDefault<T> {
  readonly value: T;
  readonly origin: Extract<Origin, "default" | "environment">;
  readonly reason: string;
}

export interface SettingRow<T> {
  /** The short flag, `-w`. */
  readonly short?: string;
  /** Another long flag for the same setting, in gunicorn's words. */
  readonly alias?: string;
  /** The word for the value in `--help`; switches have none. */
  readonly metavar?: string;
  readonly type: ValueType<T>;
  readonly default: T | ((facts: DefaultFacts) => FoundDefault<T>);
  /** The default in words, where showing the value would not say it. */
  readonly defaultText?: string;
  /** One or two sentences, without a full stop at the end. */
  readonly doc: string;
  /** The kinds of application that it can act on; absent for all. */
  readonly kinds?: readonly ApplicationKind[];
  /** When a changed value begins to count. */
  readonly takesEffect: "reload" | "restart";
  /** False for what cannot stand in the configuration file. */
  readonly inFile?: false;
  /** True for a path, which is relative to `chdir` (`config`, `chdir`: to where tsgate was started). */
  readonly isPath?: true;
}

/** Rows of the table by their keys. */
export type SettingRows<Keys extends keyof Settings> = { readonly [Key in Keys]: SettingRow<Settings[Key]> };

/** `gracefulTimeout` → `--graceful-timeout`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `gracefulTimeout` → `TSGATE_GRACEFUL_TIMEOUT`. */
export function variableOf(key: string): string {
  return `TSGATE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The default of a row in words. */
export function defaultText<T>(row: SettingRow<T>): string {
  if (row.defaultText !== undefined) return row.defaultText;
  return typeof row.default === "function" ? "" : row.type.show(row.default).join(" ");
}

/** A setting with one value. */
export function one<T>(parse: (value: unknown) => T, show: (value: T) => string | undefined = String): ValueType<T> {
  return {
    arity: "one",
    fromTexts: (texts) => parse(texts.at(-1)),
    fromNative: parse,
    show: (value) => {
      const text = show(value);
      return text === undefined ? [] : [text];
    },
  };
}

/** A setting that may have no value. */
export function optional(parse: (value: unknown) => string | undefined): ValueType<string | undefined> {
  return one(parse, (value) => value);
}

/** A duration of at least `minMs`, in milliseconds; or 0 as well. */
export function duration(minMs = 0, isZeroAllowed = minMs === 0): ValueType<number> {
  return one((value) => parseDuration(value, minMs, isZeroAllowed), formatDuration);
}

/** A size in bytes. */
export function size(): ValueType<number> {
  return one((value) => parseSize(value), formatSize);
}

/** A path, or none. */
export function path(): ValueType<string | undefined> {
  return optional((value) => parseText(value, "a path"));
}

/** A setting with any number of values; in the configuration file a list, or one value alone. */
export function many<T>(parse: (value: unknown) => T, show: (value: T) => string = String): ValueType<readonly T[]> {
  const parseAll = (values: readonly unknown[]): readonly T[] => values.map((value) => parse(value));
  return {
    arity: "many",
    fromTexts: parseAll,
    fromNative: (value) => parseAll(Array.isArray(value) ? value : [value]),
    show: (values) => values.map((value) => show(value)),
  };
}

/** Like `type`, but an empty list is refused; `example` says what would do. */
export function atLeastOne<T>(type: ValueType<readonly T[]>, example: string): ValueType<readonly T[]> {
  return {
    ...type,
    fromNative: (value) => {
      const values = type.fromNative(value);
      if (values.length === 0) throw new ValueError(`the list is empty; give at least one, such as ${example}`);
      return values;
    },
  };
}

/** A setting that is on or off. */
export function onOff(): ValueType<boolean> {
  return {
    arity: "switch",
    fromTexts: (texts) => parseSwitch(texts.at(-1), "environment"),
    fromNative: (value) => parseSwitch(value, "file"),
    show: (value) => [value ? "on" : "off"],
  };
}

/** Variables: `KEY=VALUE` texts, or an object of strings, numbers and booleans in the configuration file. */
export function assignments(): ValueType<Readonly<Record<string, string>>> {
  const fromTexts = (values: readonly unknown[]): Readonly<Record<string, string>> =>
    Object.fromEntries(values.map((value) => refuseOwn(parseAssignment(value))));
  return keyed(fromTexts, asAssignment, (values) => Object.entries(values).map(([key, value]) => `${key}=${value}`));
}

/** A list of `KEY=VALUE` texts; in the configuration file also an object, whose entries `asText` turns into such texts. */
export function keyed<T>(
  fromTexts: (values: readonly unknown[]) => T,
  asText: (entry: [string, unknown]) => string,
  show: (value: T) => readonly string[],
): ValueType<T> {
  return {
    arity: "many",
    fromTexts,
    fromNative: (value) => {
      if (typeof value !== "object" || value === null) return fromTexts([value]);
      return fromTexts(Array.isArray(value) ? value : Object.entries(value).map(asText));
    },
    show,
  };
}

/** Refuses tsgate's own variables among those for workers: nobody would read them there. */
function refuseOwn<T extends readonly [key: string, value: string]>(assignment: T): T {
  if (!assignment[0].startsWith("TSGATE_")) return assignment;
  throw new ValueError(
    `${assignment[0]} is a setting of tsgate and has no effect there; set it where tsgate is started`,
  );
}

function asAssignment([key, value]: readonly [string, unknown]): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return `${key}=${value}`;
  throw new ValueError(`${key} is ${quoted(value)}; give a string`);
}
