/** Imports the application's module, as the main one of its process, and lists what it exports. */

import fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { AppReference } from "../app-ref.ts";
import { hintForModuleSyntax, locateSyntaxError } from "../config/syntax-error.ts";
import { EXIT, messageOf, TsgateError } from "../errors.ts";
import { makeMain } from "../node-modules.ts";
import type { ModuleExports } from "./describe-value.ts";

/** The functions of an application's own life: exports beside it. */
export const LIFECYCLE = ["startup", "health", "beforeDrain", "shutdown"] as const;

/**
 * Runs the module and resolves with its exports.
 * @param isMain it counts as what the process was started with
 * @throws TsgateError exit 4, with the module's own error as its cause
 */
export async function importModule(app: AppReference, isMain: boolean): Promise<ModuleExports> {
  // Programs ask whether they are what was started: `require.main === module`, `process.argv[1]`.
  if (isMain) makeMain(fs.realpathSync(app.file));
  try {
    return exportsOf((await import(pathToFileURL(app.file).href)) as ModuleExports, app.file);
  } catch (error) {
    await locateSyntaxError(app.file, error);
    throw applicationFailed(app, "failed to load", error);
  }
}

/** The application threw: one sentence, with its error as the cause. */
export function applicationFailed(app: AppReference, what: string, cause: unknown): TsgateError {
  const message = `application ${app.text} ${what}: ${messageOf(cause)}${hintForModuleSyntax(cause)}`;
  return new TsgateError("APP_FAILED", message, { exitCode: EXIT.applicationFailedToLoad, cause });
}

/** A CommonJS module's exports are its own `module.exports`, whatever of them the import has made visible. */
function exportsOf(namespace: ModuleExports, file: string): ModuleExports {
  const own = createRequire(file).cache[fs.realpathSync(file)]?.exports as unknown;
  if ((typeof own !== "object" || own === null) && typeof own !== "function") return namespace;
  const all = readable(own);
  // Compilers make it a property that is not enumerable, so the copy lacks it.
  if ((own as ModuleExports).__esModule === true) return all;
  const isNamespaceLike = Object.getPrototypeOf(own) === Object.prototype;
  const beside = Object.entries(all).filter(([name]) => isNamespaceLike || BESIDE.has(name));
  return { ...Object.fromEntries(beside), default: own };
}

/** The properties of an object, without those that throw when they are read, such as deprecated ones. */
function readable(own: object): ModuleExports {
  const found: Record<string, unknown> = {};
  for (const name of Object.keys(own)) {
    try {
      found[name] = (own as Record<string, unknown>)[name];
    } catch {
      // Nobody has asked for it.
    }
  }
  return found;
}

/** Exports that belong to an application; of one that is a function or an instance, its only properties that count. */
export const BESIDE: ReadonlySet<string> = new Set([...LIFECYCLE, "upgrade"]);
