/**
 * The configuration file: finds it, reads it afresh at every call, and gives back the object that it exports with its
 * hooks checked. Knows no setting by name, so that workers can read their hooks through it without the table.
 */

import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { hasCode, messageOf, TsgateError, usageError } from "../errors.ts";
import { withoutExit } from "../user-code.ts";
import { firstJsonError } from "./json-error.ts";
import { MODULE_EXTENSIONS, nearestFile } from "./module-file.ts";
import { hintForModuleSyntax, placeOfSyntaxError } from "./syntax-error.ts";
import { MASTER_HOOKS, WORKER_HOOKS, type Hooks } from "./types.ts";
import { quoted } from "./value-error.ts";

/** What is looked for in the directory where tsgate was started; the first that is there is read. */
const CONFIG_FILE_NAMES = ["tsgate.config.js", "tsgate.config.mjs", "tsgate.config.ts", "tsgate.config.json"] as const;

/** What a configuration file exports. */
export type ConfigObject = Readonly<Record<string, unknown>>;

/**
 * The absolute path of the configuration file: `named` (a path relative to `cwd`), else the first of
 * `CONFIG_FILE_NAMES` in `cwd`, else undefined. Throws a usage error when `named` is not a file it could read.
 */
export function findConfigFile(cwd: string, named: string | undefined): string | undefined {
  if (named === undefined) return CONFIG_FILE_NAMES.map((name) => join(cwd, name)).find((path) => existsSync(path));
  const path = resolve(cwd, named);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    const near = nearestFile(path, EXTENSIONS);
    throw usageError(
      `--config: ${path} does not exist; ${near === undefined ? "check the path" : `did you mean ${near}?`}`,
    );
  }
  if (found.isDirectory())
    throw usageError(`--config: ${path} is a directory; name a file, such as ${join(named, CONFIG_FILE_NAMES[0])}`);
  if (!EXTENSIONS.includes(extname(path))) {
    throw usageError(
      `--config: ${path} is not a configuration file; give one that ends in ${MODULE_EXTENSIONS.join(", ")} or .json`,
    );
  }
  return path;
}

/**
 * Reads the file at `path` (absolute) as it is now, whatever was read before, and returns what it exports. Modules that
 * the file itself imports are not read again. Throws a usage error, after `limitMs` at the latest; an error of the
 * file's own code is its `cause`.
 */
export async function readConfigFile(path: string, limitMs = 30_000): Promise<ConfigObject> {
  // The timer also keeps a process alive that has nothing else to do: it would leave without a word.
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const complaint = usageError(
      `${path} did not finish loading within ${limitMs / 1000} s; look for a promise that never settles`,
    );
    timer = setTimeout(() => reject(complaint), limitMs);
  });
  try {
    const ended = usageError(`${path} ended the process while it was loading; a configuration file must not`);
    return await withoutExit(ended, async () => Promise.race([readObject(path), late]));
  } finally {
    clearTimeout(timer);
  }
}

/** The hooks among what a configuration file exports. Throws a usage error when one is not a function. */
export function hooksOf(path: string, object: ConfigObject): Hooks {
  const hooks: Record<string, unknown> = {};
  for (const name of [...MASTER_HOOKS, ...WORKER_HOOKS]) {
    const hook = object[name];
    if (hook === undefined || hook === null) continue;
    if (typeof hook !== "function")
      throw usageError(`${name} in ${path}: ${quoted(hook)} is not a function; a hook is one`);
    hooks[name] = hook.bind(object);
  }
  return hooks;
}

async function readObject(path: string): Promise<ConfigObject> {
  const exported = extname(path) === ".json" ? await readJson(path) : await importDefault(path);
  const value = typeof exported === "function" ? await callForObject(path, exported as () => unknown) : exported;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usageError(
      `${path} exports ${describe(value)}; export an object of settings, such as export default { workers: 2 }`,
    );
  }
  return value as ConfigObject;
}

async function readJson(path: string): Promise<unknown> {
  const text = (await readFile(path, "utf8").catch((error: unknown) => throwUnreadable(path, error))).replace(
    /^\uFEFF/,
    "",
  );
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const { line, column, expected } = firstJsonError(text);
    throw usageError(`${path}:${line}:${column} is not JSON: ${expected}`);
  }
}

function throwUnreadable(path: string, error: unknown): never {
  throw usageError(`${path} cannot be read (${messageOf(error)}); check its permissions`);
}

async function importDefault(path: string): Promise<unknown> {
  try {
    delete createRequire(path).cache[path];
    const module = (await import(/* @vite-ignore */ freshUrl(path))) as Record<string, unknown>;
    return defaultOf(path, module);
  } catch (error) {
    throw error instanceof TsgateError ? error : await importError(path, error);
  }
}

/** Node keeps a module by its URL for ever: only a URL that was never used is read from disk. */
function freshUrl(path: string): string {
  const url = pathToFileURL(path);
  url.searchParams.set("tsgate", String(++reads));
  return url.href;
}
let reads = 0;

function defaultOf(path: string, module: Record<string, unknown>): unknown {
  if (!("default" in module)) {
    const names = Object.keys(module);
    const found = names.length === 0 ? "exports nothing" : `has no default export (only ${names.join(", ")})`;
    throw usageError(`${path} ${found}; write export default { … }, or module.exports = { … }`);
  }
  const exported = module["default"];
  // What compilers make of `export default` in CommonJS.
  const isCompiled =
    typeof exported === "object" && exported !== null && "__esModule" in exported && "default" in exported;
  return isCompiled ? exported.default : exported;
}

async function importError(path: string, error: unknown): Promise<TsgateError> {
  if (hasCode(error, "ERR_UNKNOWN_FILE_EXTENSION")) {
    return usageError(
      `${path} is TypeScript, which Node ${process.version} does not run; use Node 22.18 or later, start tsgate with NODE_OPTIONS="--import tsx", or write it in JavaScript`,
    );
  }
  if (error instanceof SyntaxError) {
    const place = await placeOfSyntaxError(path, error);
    if (place !== undefined)
      return usageError(`${place} does not parse: ${error.message}${hintForModuleSyntax(error)}`);
  }
  if (hasCode(error, "EACCES"))
    return usageError(`${path} cannot be read (${messageOf(error)}); check its permissions`);
  return usageError(`${path} failed to load: ${firstLine(error)}`, error);
}

async function callForObject(path: string, make: () => unknown): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    throw usageError(
      `the function that ${basename(path)} in ${dirname(path)} exports failed: ${firstLine(error)}`,
      error,
    );
  }
}

/** The sentence ends with the line; the rest of a long message is in the cause. */
function firstLine(error: unknown): string {
  return messageOf(error).split("\n", 1)[0] ?? "";
}

function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return "a list";
  return typeof value === "function" ? "a function that returns a function" : quoted(value);
}

const EXTENSIONS = [...MODULE_EXTENSIONS, ".json"];
