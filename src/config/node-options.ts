/**
 * What may be handed to the Node of the workers: `--node-arg` and `--import`. Knows which options would make Node do
 * something else than run a worker, and whether one of them brings a loader for TypeScript.
 */

import { parseText } from "./values.ts";
import { quoted, ValueError } from "./value-error.ts";

/** Parses one argument for Node. Throws `ValueError`. */
export function parseNodeArg(value: unknown): string {
  const text = parseText(value, "an argument of Node");
  if (!text.startsWith("-")) {
    throw new ValueError(
      `${quoted(text)} is not an option of Node; options begin with a dash and hold their value after =, such as --max-old-space-size=512`,
    );
  }
  const option = text.split("=", 1)[0] ?? text;
  if (/\s/.test(option))
    throw new ValueError(
      `${quoted(text)} is more than one argument; give ${option.trim().replace(/\s+/, "=")}, or each its own`,
    );
  if (NOT_A_WORKER.has(option))
    throw new ValueError(`${quoted(text)} would keep Node from running a worker; leave it out`);
  return text;
}

/** Parses one module that workers import first. Throws `ValueError`. */
export function parseImport(value: unknown): string {
  return parseText(value, "a module");
}

/** Whether workers can load a TypeScript file: this Node strips types, or something was given that may be a loader. */
export function canRunTypeScript(
  settings: { readonly nodeArg: readonly string[]; readonly import: readonly string[] },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (stripsTypes() || settings.import.length > 0) return true;
  return [...settings.nodeArg, ...process.execArgv, ...(env["NODE_OPTIONS"] ?? "").split(/\s+/)].some((arg) =>
    LOADER.test(arg),
  );
}

/** Whether this Node runs TypeScript by itself. */
export function stripsTypes(): boolean {
  const { typescript } = process.features as { readonly typescript?: string | boolean };
  return typescript !== undefined && typescript !== false;
}

const NOT_A_WORKER = new Set([
  ..."-c --check -e --eval -h --help -i --interactive -p --print -pe -v --version --v8-options --completion-bash".split(
    " ",
  ),
  ..."--test --watch --watch-path --run --prof-process --build-snapshot --build-sea --experimental-sea-config".split(
    " ",
  ),
]);
const LOADER =
  /^(?:--import|--require|-r|--loader|--experimental-loader|--experimental-strip-types|--experimental-transform-types|--strip-types)(?:=|$)/;
