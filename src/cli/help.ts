/**
 * The text of `--help`: the settings table in its groups, at 80 columns whatever the terminal, so that it reads the
 * same in a log and in a manual.
 */

import { defaultText, flagOf, variableOf, type SettingRow } from "../config/setting-row.ts";
import { GROUPS, rowOf } from "../config/settings.ts";
import type { Settings } from "../config/types.ts";

/** The whole text, without a line longer than 80 characters. */
export function helpText(): string {
  const groups = GROUPS.map(({ name, keys }) =>
    [`${name}:`, ...keys.flatMap((key) => entry(term(key, rowOf(key)), [rowOf(key).doc, facts(key, rowOf(key))]))].join(
      "\n",
    ),
  );
  const modes = ["Modes:", ...MODES.flatMap(([flag, doc]) => entry(flag, [doc]))].join("\n");
  return [USAGE, ...groups, modes, NOTES].join("\n\n");
}

function term(key: keyof Settings, row: SettingRow<unknown>): string {
  const value = row.metavar === undefined ? "" : ` ${row.metavar}`;
  const alias = row.alias === undefined ? "" : `, ${row.alias}`;
  return `${row.short === undefined ? "    " : `${row.short}, `}${flagOf(key)}${alias}${value}`;
}

function facts(key: keyof Settings, row: SettingRow<unknown>): string {
  return `[${variableOf(key)}; default: ${defaultText(row)}]`;
}

/** A term and its paragraphs beside it, or below it when it is too wide. */
function entry(head: string, paragraphs: readonly string[]): string[] {
  const lines = paragraphs.flatMap((paragraph) => wrap(paragraph, WIDTH - INDENT));
  const first = `  ${head}`;
  const indented = lines.map((line) => " ".repeat(INDENT) + line);
  if (first.length > INDENT - 2) return [first, ...indented];
  return [first.padEnd(INDENT) + (lines[0] ?? ""), ...indented.slice(1)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const WIDTH = 80;
const INDENT = 28;

const USAGE = `Usage: tsgate [options] APP [-- ARGS]
       tsgate ctl COMMAND    a running server: see tsgate ctl --help

Runs APP on several processes behind one port. APP is file[:export] or a
package: app.js, dist/server.mjs:application, ./api.ts. ARGS become the
application's process.argv.`;

const MODES: readonly (readonly [string, string])[] = [
  [
    "    --check-config",
    "Load the configuration and the application, say what was found, and exit with 0 or the right code",
  ],
  ["    --print-config", "The same, and print every setting with its value and where it came from"],
  ["-h, --help", "Print this text"],
  ["-v, --version", "Print the version"],
];

const NOTES = `T is a duration: seconds, or 500ms, 30s, 5m, 1h. A switch is turned off again
by --no-…, as in --no-preload. Each setting is also a variable, named in
brackets (lists are separated by spaces, switches are 0 or 1), and a camelCase
key of the configuration file. The command line wins over the environment, the
environment over the file.

Exit codes: 0 stopped as asked, 1 error, 2 usage or configuration, 3 worker
failed to boot, 4 application failed to load, 5 cannot bind.`;
