/**
 * Finds the application's module on disk from what the user wrote: `file[:export]`, a directory, or a package. Loads
 * nothing, and reads the disk afresh at each call; workers import the file that is found here.
 */

import { accessSync, constants } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import type { AppReference } from "../app-ref.ts";
import { EXIT, messageOf, TsgateError, usageError } from "../errors.ts";
import { kindOf, MODULE_EXTENSIONS, moduleFileAt, nearestFile } from "./module-file.ts";
import { canRunTypeScript } from "./node-options.ts";
import type { InterfaceName } from "./types.ts";
import { packageEntry, packageInNodeModules } from "./package-entry.ts";

/**
 * The module and export that `text` names, seen from the directory `cwd` (absolute). `runsTypeScript` says whether
 * workers can load TypeScript, `called` is what the user knows it by. Throws `APP_NOT_FOUND` (exit 4) when there is no such module or it cannot be one, and a
 * usage error when `text` is not a reference at all.
 */
export function resolveAppReference(
  text: string,
  cwd: string,
  runsTypeScript: boolean = canRunTypeScript({ nodeArg: [], import: [] }, process.env),
  wanted: InterfaceName = "auto",
  called: string = text,
): AppReference {
  const { path, exportName } = split(text, called, wanted);
  if (wanted === "wsgi") return pythonReference(called, path, exportName, cwd);
  const file = asFile(path, cwd) ?? asPackage(path, cwd);
  if (file === undefined && wanted === "auto" && isPython(path, cwd))
    return pythonReference(called, path, exportName, cwd);
  if (file === undefined) throw notFound(called, whyMissing(path, cwd));
  const complaint = complaintAbout(file, cwd, runsTypeScript);
  if (complaint !== undefined) throw notFound(called, complaint);
  return { text: called, file, exportName };
}

/** Whether there is such a module, only Python knows. */
function pythonReference(text: string, path: string, exportName: string | undefined, cwd: string): AppReference {
  if (!MODULE_PATH.test(path)) {
    const complaint = path.endsWith(".py") ? nameTheModule(path, cwd) : `is no Python module; ${LIKE_PYTHON}`;
    throw notFound(text, complaint);
  }
  const file = `${join(cwd, ...path.split("."))}.py`;
  return { text, file, exportName, python: { module: path, attribute: exportName ?? "application" } };
}

function split(
  text: string,
  called: string,
  wanted: InterfaceName,
): { readonly path: string; readonly exportName: string | undefined } {
  const whole = text.trim();
  const colon = whole.startsWith("node:") ? -1 : whole.lastIndexOf(":");
  const path = colon === -1 ? whole : whole.slice(0, colon);
  const exportName = colon === -1 ? undefined : whole.slice(colon + 1);
  if (path === "") throw malformed(called, "names no module", "app.js");
  if (exportName === "") throw malformed(called, "names no export after the colon", `${path}:application`);
  const isNamed = wanted === "wsgi" || MODULE_PATH.test(path) ? ATTRIBUTE : IDENTIFIER;
  const [, factory, given] = CALL.exec(exportName ?? "") ?? [];
  if (factory !== undefined)
    throw usageError(
      `the application ${JSON.stringify(called)} calls a factory; give --factory ${path}:${factory}${given === "" ? "" : ", which calls it without arguments"}`,
    );
  if (exportName !== undefined && !isNamed.test(exportName)) {
    const problem = `names the export ${JSON.stringify(exportName)}, which is not an identifier`;
    throw malformed(called, problem, `${path}:application`);
  }
  return { path, exportName };
}

/** A file as it is written or with its extension left out, or a directory by its `package.json` or its `index`. */
function asFile(path: string, cwd: string): string | undefined {
  const base = resolve(cwd, path);
  if (path.endsWith("/") && kindOf(base) !== "directory") return undefined;
  if (kindOf(base) !== "directory" || !path.endsWith("/")) {
    const file = [base, ...MODULE_EXTENSIONS.map((extension) => base + extension)].find((it) => kindOf(it) === "file");
    if (file !== undefined) return file;
  }
  const declared = packageEntry(base, ".");
  return (declared === undefined ? undefined : moduleFileAt(declared)) ?? moduleFileAt(base);
}

/** The file of a package as `import` finds it, else as `require` does, which also looks at NODE_PATH. */
function asPackage(path: string, cwd: string): string | undefined {
  if (isExplicitPath(path) || isBuiltin(path)) return undefined;
  const entry = packageInNodeModules(path, cwd);
  const file = entry === undefined ? undefined : moduleFileAt(entry);
  if (file !== undefined) return file;
  try {
    return createRequire(join(cwd, "app.js")).resolve(path);
  } catch {
    return undefined;
  }
}

/** Why there is no module at `path`, and what may have been meant. */
function whyMissing(path: string, cwd: string): string {
  const base = resolve(cwd, path);
  if (isBuiltin(path)) return `is a module of Node itself; name a file, such as ./${path.replace(/^node:/, "")}.js`;
  if (isPython(path, cwd)) return `is a Python module; leave out --interface, or say --interface wsgi`;
  if (kindOf(base) === "directory") {
    return "is a directory without an entry (no main or exports in a package.json, no index.js); name a file in it";
  }
  const mayBePackage = !isExplicitPath(path) && !MODULE_EXTENSIONS.includes(extname(path));
  if (!mayBePackage && kindOf(dirname(base)) !== "directory")
    return `was not found: there is no directory ${dirname(base)}`;
  const near = nearestFile(base);
  const hint = near === undefined ? "check the path" : `did you mean ${shown(near, cwd)}?`;
  return `was not found: there is no ${base}${mayBePackage ? ` and no package ${path}` : ""}; ${hint}`;
}

/** What is wrong with a file that exists, or nothing. */
function complaintAbout(file: string, cwd: string, runsTypeScript: boolean): string | undefined {
  const extension = extname(file);
  if (extension === ".py") return nameTheModule(file, cwd);
  if (DATA.includes(extension)) return `is a ${extension} file, not a module; name a JavaScript or TypeScript file`;
  if (TYPESCRIPT.includes(extension) && !runsTypeScript) {
    return `is TypeScript, which Node ${process.version} does not run; use Node 22.18 or later, add --import tsx, or compile it to JavaScript`;
  }
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return `cannot be read (${messageOf(error)}); check its permissions`;
  }
}

/** `mysite.wsgi` is a path of dots; `mysite` is one when there is a file to prove it. */
function isPython(path: string, cwd: string): boolean {
  if (!MODULE_PATH.test(path)) return false;
  const module = join(cwd, ...path.split("."));
  if (kindOf(`${module}.py`) === "file" || kindOf(join(module, "__init__.py")) === "file") return true;
  return path.includes(".") && ![...MODULE_EXTENSIONS, ...TYPESCRIPT, ...DATA, ".jsx"].includes(extname(path));
}

function nameTheModule(file: string, cwd: string): string {
  const dotted = relative(cwd, resolve(cwd, file)).slice(0, -".py".length).replaceAll("/", ".");
  if (MODULE_PATH.test(dotted)) return `is a Python file; name the module, such as ${dotted}:application`;
  const module = basename(file, ".py");
  return `is a Python file; name the module, such as ${module}:application, and its folder with --chdir or --pythonpath`;
}

function isExplicitPath(path: string): boolean {
  return isAbsolute(path) || /^\.{1,2}(?:\/|$)/.test(path);
}

function shown(file: string, cwd: string): string {
  return file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : file;
}

function notFound(text: string, complaint: string): TsgateError {
  return new TsgateError("APP_NOT_FOUND", `the application ${text} ${complaint}`, {
    exitCode: EXIT.applicationFailedToLoad,
  });
}

function malformed(text: string, problem: string, example: string): TsgateError {
  return usageError(`the application ${JSON.stringify(text)} ${problem}; give file or file:export, such as ${example}`);
}

/** As gunicorn has it. */
const CALL = /^([\p{ID_Start}_$][\p{ID_Continue}$.]*)\((.*)\)$/u;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
/** A dotted name in Python, as far as it can be told from a path. */
const MODULE_PATH = /^[\p{ID_Start}_][\p{ID_Continue}]*(?:\.[\p{ID_Start}_][\p{ID_Continue}]*)*$/u;
const ATTRIBUTE = /^[\p{ID_Start}_$][\p{ID_Continue}$]*(?:\.[\p{ID_Start}_][\p{ID_Continue}]*)*$/u;
const LIKE_PYTHON = "name one with dots and its callable after a colon, such as mysite.wsgi:application";
const TYPESCRIPT: readonly string[] = [".ts", ".mts", ".cts", ".tsx"];
const DATA: readonly string[] = ".json .txt .md .html .css .yml .yaml .toml .env .lock .sh .rb .php".split(" ");
