/**
 * What `--print-config` shows: every setting with its value and where it came from, as text and as plain data. Values
 * of variables that look like secrets are never shown.
 */

import { rowOf, SETTING_KEYS } from "./settings.ts";
import type { Configuration, Origin, Settings } from "./types.ts";

/** A configuration as plain data, fit for JSON. */
export interface ConfigurationReport {
  /** Null where there are only mounts. */
  readonly app: string | null;
  readonly appArgs: readonly string[];
  readonly configFile: string | null;
  readonly hooks: readonly string[];
  readonly settings: Readonly<Record<keyof Settings, SettingReport>>;
}

interface SettingReport {
  /** As it would be written on the command line; lists as lists, switches as booleans, nothing as null. */
  readonly value: string | readonly string[] | boolean | null;
  readonly origin: Origin;
}

/** Describes `configuration` with its secrets masked. */
export function reportConfiguration(configuration: Configuration): ConfigurationReport {
  const settings = SETTING_KEYS.map((key) => [
    key,
    { value: valueOf(key, configuration.settings), origin: configuration.origins[key] },
  ]);
  return {
    app: configuration.app ?? null,
    appArgs: maskedArguments(configuration.appArgs),
    configFile: configuration.configFile ?? null,
    hooks: Object.keys(configuration.hooks),
    settings: Object.fromEntries(settings) as Record<keyof Settings, SettingReport>,
  };
}

/** The text of `--print-config`, with a line feed at its end. */
export function printConfiguration(configuration: Configuration): string {
  return configurationText(reportConfiguration(configuration), configuration.workersReason);
}

/**
 * The same, of what was reported; of settings that this version does not know nothing is said.
 * @param workersReason why there are so many workers, where nobody gave their number
 */
export function configurationText(report: ConfigurationReport, workersReason: string): string {
  const head = [
    ["application", [report.app ?? "-", ...report.appArgs].join(" ")],
    ["configuration", report.configFile ?? "no file"],
    ...(report.hooks.length === 0 ? [] : [["hooks", report.hooks.join(", ")]]),
  ].map(([name = "", text = ""]) => name.padEnd(KEY_WIDTH) + text);
  const rows = SETTING_KEYS.filter((key) => key in report.settings).flatMap((key) =>
    linesOf(key, report.settings[key], workersReason),
  );
  return `${[...head, "", ...rows].join("\n")}\n`;
}

function linesOf(key: keyof Settings, { value, origin }: SettingReport, workersReason: string): string[] {
  const texts = textsOf(value);
  const isFound = key === "workers" && (origin === "default" || workersReason === "$WEB_CONCURRENCY");
  const note = isFound ? `${origin} (${workersReason})` : origin;
  return texts.map((text, index) =>
    index === 0 ? `${key.padEnd(KEY_WIDTH)}${text.padEnd(VALUE_WIDTH)}  ${note}` : `${" ".repeat(KEY_WIDTH)}${text}`,
  );
}

function textsOf(value: SettingReport["value"]): readonly string[] {
  if (value === null) return ["-"];
  if (typeof value === "boolean") return [value ? "on" : "off"];
  if (typeof value === "string") return [value];
  return value.length === 0 ? ["-"] : value;
}

function valueOf(key: keyof Settings, settings: Settings): SettingReport["value"] {
  const row = rowOf(key);
  if (row.type.arity === "switch") return settings[key] === true;
  const shown =
    key === "env" ? Object.entries(settings.env).map(masked) : row.type.show(settings[key]).map(withoutPassword);
  return row.type.arity === "many" ? shown : (shown[0] ?? null);
}

function masked([key, value]: readonly [string, string]): string {
  if (SECRET.test(key)) return `${key}=${MASK}`;
  return `${key}=${withoutPassword(value)}`;
}

/** `--db-password=x` and `--db-password x`, as programs take them. */
function maskedArguments(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const [, flag, value] = /^(--?[\w.-]+)=(.*)$/s.exec(arg) ?? [];
    if (flag !== undefined && value !== undefined && isSecretFlag(flag)) return `${flag}=${MASK}`;
    const before = args[index - 1] ?? "";
    return isSecretFlag(before) && !arg.startsWith("-") ? MASK : withoutPassword(arg);
  });
}

function isSecretFlag(arg: string): boolean {
  return /^--?[\w.-]+$/.test(arg) && SECRET.test(arg.replaceAll("-", "_"));
}

function withoutPassword(text: string): string {
  return text.replace(PASSWORD_IN_URL, `$1${MASK}@`);
}

const MASK = "********";
const SECRET = /PASS(?:WORD|WD|PHRASE)?(?:_|$)|PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL/i;
const PASSWORD_IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi;
const KEY_WIDTH = 23;
const VALUE_WIDTH = 26;
