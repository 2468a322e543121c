/**
 * The command line: which options there are comes from the settings table, what they mean is decided elsewhere. Parses
 * and answers; never writes and never exits. What follows `--` belongs to the application and is not looked at.
 */

import { Command, CommanderError, Option } from "commander";
import { nearest } from "../config/nearest.ts";
import { flagOf } from "../config/setting-row.ts";
import { rowOf, SETTING_KEYS } from "../config/settings.ts";
import type { Settings } from "../config/types.ts";
import { usageError, type TsgateError } from "../errors.ts";
import { helpText } from "./help.ts";
import { versionText } from "./version.ts";

type RunMode = "serve" | "check-config" | "print-config";

export type CommandLine =
  | {
      readonly kind: "run";
      /** By key of the settings table: a text, a list of texts, or a boolean. Only what was given. */
      readonly flags: Record<string, unknown>;
      readonly app?: string;
      readonly appArgs: string[];
      readonly mode: RunMode;
    }
  | { readonly kind: "help" | "version"; readonly text: string };

/** Parses what follows `tsgate` on the command line. Throws a usage error of one sentence. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const dashes = argv.indexOf("--");
  const own = dashes === -1 ? argv : argv.slice(0, dashes);
  const appArgs = dashes === -1 ? [] : argv.slice(dashes + 1);
  const program = buildProgram();
  parse(program, own);
  const given = program.opts<Record<string, unknown>>();
  if (given["help"] === true) return { kind: "help", text: helpText() };
  if (given["version"] === true) return { kind: "version", text: versionText() };
  const [app, ...extra] = program.args;
  if (extra.length > 0) {
    const hint = `the application's own arguments follow --, as in tsgate ${app} -- ${extra.join(" ")}`;
    throw usageError(`only one application can be given, and ${JSON.stringify(extra[0])} is one too many; ${hint}`);
  }
  return { kind: "run", flags: flagsIn(given), ...(app === undefined ? {} : { app }), appArgs, mode: modeIn(given) };
}

function buildProgram(): Command {
  const program = new Command("tsgate")
    .argument("[app]")
    .allowExcessArguments(true)
    .helpOption(false)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  for (const option of [...SETTING_KEYS.flatMap(optionsOf), ...MODES.map((flag) => new Option(flag))])
    program.addOption(option);
  return program.addOption(new Option("-h, --help")).addOption(new Option("-v, --version"));
}

function optionsOf(key: keyof Settings): Option[] {
  const row = rowOf(key);
  const long = flagOf(key);
  const names = row.short === undefined ? long : `${row.short}, ${long}`;
  // The second form lets the command line overrule a file that says on.
  if (row.type.arity === "switch") return [new Option(names), new Option(`--no-${long.slice(2)}`)];
  const flags = row.alias === undefined ? [names] : [names, row.alias];
  return flags.map((flag) =>
    new Option(`${flag} <value>`).argParser((value: string, before: unknown) => collect(key, value, before)),
  );
}

/** Several values make a list; of a setting with one, the last counts. */
function collect(key: keyof Settings, value: string, before: unknown): string | string[] {
  // Options of Node may have our names, but everywhere else a flag in this place means that the value was forgotten.
  if (key !== "nodeArg" && knownFlags().includes(value))
    throw usageError(`${flagOf(key)} needs a value, and ${value} follows it; ${example(key)}`);
  if (rowOf(key).type.arity === "one") return value;
  return [...(Array.isArray(before) ? (before as string[]) : []), value];
}

function parse(program: Command, argv: readonly string[]): void {
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    throw error instanceof CommanderError ? inOurWords(error) : error;
  }
}

function inOurWords(error: CommanderError): TsgateError {
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  if (error.code === "commander.optionMissingArgument") {
    const flag = /--[\w-]+/.exec(named)?.[0] ?? named;
    const key = SETTING_KEYS.find((candidate) => flagOf(candidate) === flag || rowOf(candidate).alias === flag);
    return usageError(`${flag} needs a value; ${key === undefined ? "see tsgate --help" : example(key)}`);
  }
  if (error.code === "commander.unknownOption") return unknownOption(named.split("=", 1)[0] ?? named);
  return usageError(`${error.message.replace(/^error: /, "")}; see tsgate --help`);
}

function unknownOption(flag: string): TsgateError {
  if (knownFlags().includes(flag)) return usageError(`${flag} takes no value; give it alone`);
  const ours = FOREIGN_FLAGS[flag];
  if (ours !== undefined) return usageError(`${flag} is not an option of tsgate; ${ours}`);
  const longFlags = knownFlags().filter((known) => known.startsWith("--"));
  const near = flag.startsWith("--")
    ? nearest(
        flag.slice(2),
        longFlags.map((known) => known.slice(2)),
      )
    : undefined;
  return usageError(
    `${flag} is not an option of tsgate; ${near === undefined ? "see tsgate --help" : `did you mean --${near}?`}`,
  );
}

function example(key: keyof Settings): string {
  return `give ${flagOf(key)} ${rowOf(key).metavar ?? "VALUE"}`;
}

function knownFlags(): readonly string[] {
  const ofSettings = SETTING_KEYS.flatMap((key) => {
    const { short, alias, type } = rowOf(key);
    const off = type.arity === "switch" ? [`--no-${flagOf(key).slice(2)}`] : [];
    return [flagOf(key), ...[short, alias].filter((flag) => flag !== undefined), ...off];
  });
  return [...ofSettings, ...MODES, "-h", "--help", "-v", "--version"];
}

function flagsIn(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const key of SETTING_KEYS) {
    const alias = rowOf(key).alias;
    const value = given[key] ?? (alias === undefined ? undefined : given[new Option(alias).attributeName()]);
    if (value !== undefined) flags[key] = value;
  }
  return flags;
}

function modeIn(given: Readonly<Record<string, unknown>>): RunMode {
  if (given["printConfig"] === true) return "print-config";
  return given["checkConfig"] === true ? "check-config" : "serve";
}

/** Flags of other servers, by what they are called here. */
const FOREIGN_FLAGS: Readonly<Record<string, string>> = {
  "--port": "give --bind :PORT",
  "--host": "give --bind HOST:PORT",
  "--watch": "send HUP to reload",
};

const MODES = ["--check-config", "--print-config"];
