/**
 * Finds the application's module on disk from what the user wrote: `file[:export]`, a directory, or a package. Loads
 * nothing and looks at no setting; workers import the file that is found here.
 */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path";
import type { AppReference } from "../app-ref.ts";
import { EXIT, messageOf, TsgateError, usageError } from "../errors.ts";
import { nearestModule } from "./nearest-module.ts";
import { canRunTypeScript } from "./node-options.ts";
import { packageEntry, packageInNodeModules } from "./package-entry.ts";

/**
 * The module and export that `text` names, seen from `cwd`. `runsTypeScript` says whether workers can load TypeScript.
 * Throws `APP_NOT_FOUND` (exit 4) when there is no such module or it cannot be one, a usage error when `text` is not a
 * reference at all.
 */
export function resolveAppReference(
  text: string,
  cwd: string,
  runsTypeScript: boolean = canRunTypeScript({ nodeArg: [], import: [] }, process.env),
): AppReference {
  const { path, exportName } = split(text);
  const file = asFile(path, cwd) ?? asPackage(path, cwd) ?? refuse(path, text, cwd);
  refuseOtherKinds(file, text, runsTypeScript);
  return { text, file, exportName };
}

function split(text: string): { readonly path: string; readonly exportName: string | undefined } {
  const whole = text.trim();
  const colon = whole.lastIndexOf(":");
  const path = colon === -1 || whole.startsWith("node:") ? whole : whole.slice(0, colon);
  const exportName = path === whole ? undefined : whole.slice(colon + 1);
  if (path === "")
    throw usageError(
      `the application ${JSON.stringify(text)} names no module; give file or file:export, such as app.js`,
    );
  if (exportName !== undefined && !IDENTIFIER.test(exportName)) {
    const problem =
      exportName === ""
        ? "names no export after the colon"
        : `names the export ${JSON.stringify(exportName)}, which is not an identifier`;
    throw usageError(
      `the application ${JSON.stringify(text)} ${problem}; give file or file:export, such as ${path}:application`,
    );
  }
  return { path, exportName };
}

/** A file as it is written or with an extension added, or a directory with an entry. */
function asFile(path: string, cwd: string): string | undefined {
  const base = resolve(cwd, path);
  const exact = kindOf(base);
  if (exact === "file" && !path.endsWith("/")) return base;
  const guessed = MODULES.map((extension) => base + extension).find((candidate) => kindOf(candidate) === "file");
  if (guessed !== undefined && !path.endsWith("/")) return guessed;
  const isPath = isExplicitPath(path);
  if (exact !== "directory") return undefined;
  const entry = entryOfDirectory(base);
  if (entry !== undefined || !isPath) return entry;
  throw notFound(
    `the application ${path} is a directory without an entry (no main or exports in a package.json, no index.js); name a file in it`,
  );
}

function entryOfDirectory(directory: string): string | undefined {
  const declared = packageEntry(directory, ".");
  const candidates =
    declared === undefined ? [] : [declared, ...MODULES.map((extension) => declared + extension), ...indexes(declared)];
  return [...candidates, ...indexes(directory)].find((candidate) => kindOf(candidate) === "file");
}

function indexes(directory: string): string[] {
  return MODULES.map((extension) => join(directory, `index${extension}`));
}

/** A package's file, as `require` finds it, or as `import` does for a package that offers nothing else. */
function asPackage(path: string, cwd: string): string | undefined {
  if (isExplicitPath(path)) return undefined;
  if (isBuiltin(path))
    throw notFound(
      `the application ${path} is a module of Node itself; name a file, such as ./${path.replace(/^node:/, "")}.js`,
    );
  try {
    return createRequire(join(cwd, "app.js")).resolve(path);
  } catch {
    const entry = packageInNodeModules(path, cwd);
    return entry !== undefined && kindOf(entry) === "file" ? entry : undefined;
  }
}

function refuse(path: string, text: string, cwd: string): never {
  const base = resolve(cwd, path);
  if (isPython(path, cwd))
    throw notFound(
      `the application ${text} is a Python module (kind wsgi), which this version does not serve; name a JavaScript or TypeScript module`,
    );
  if (!existsSync(dirname(base)))
    throw notFound(`the application ${text} was not found: there is no directory ${dirname(base)}`);
  const near = nearestModule(base, MODULES);
  const looked =
    isExplicitPath(path) || extname(path) !== "" ? `there is no ${base}` : `there is no ${base} and no package ${path}`;
  throw notFound(
    `the application ${text} was not found: ${looked}${near === undefined ? "; check the path" : `; did you mean ${shown(near, cwd)}?`}`,
  );
}

/** What exists but is no module of ours. */
function refuseOtherKinds(file: string, text: string, runsTypeScript: boolean): void {
  const extension = extname(file);
  if (extension === ".py")
    throw notFound(
      `the application ${text} is a Python module (kind wsgi), which this version does not serve; name a JavaScript or TypeScript module`,
    );
  if (TYPESCRIPT.includes(extension) && !runsTypeScript) {
    throw notFound(
      `the application ${text} is TypeScript, which Node ${process.version} does not run; use Node 22.18 or later, add --import tsx, or compile it to JavaScript`,
    );
  }
  if (extension !== "" && !MODULES.includes(extension) && DATA.includes(extension)) {
    throw notFound(
      `the application ${text} is a ${extension} file, not a module; name a JavaScript or TypeScript file`,
    );
  }
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw notFound(`the application ${text} cannot be read (${messageOf(error)}); check its permissions`);
  }
}

/** `mysite.wsgi` is a path of dots; `mysite` is one when there is a file to prove it. */
function isPython(path: string, cwd: string): boolean {
  if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(path)) return false;
  const asPath = join(cwd, ...path.split("."));
  if (existsSync(`${asPath}.py`) || existsSync(join(asPath, "__init__.py"))) return true;
  return path.includes(".") && ![...MODULES, ...DATA, ".jsx", ".tsx"].includes(extname(path));
}

function isExplicitPath(path: string): boolean {
  return isAbsolute(path) || /^\.{1,2}(?:\/|$)/.test(path);
}

function kindOf(path: string): "file" | "directory" | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? "directory" : "file";
}

function shown(file: string, cwd: string): string {
  return file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : join(dirname(file), basename(file));
}

function notFound(message: string): TsgateError {
  return new TsgateError("APP_NOT_FOUND", message, { exitCode: EXIT.applicationFailedToLoad });
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const TYPESCRIPT: readonly string[] = [".ts", ".mts", ".cts", ".tsx"];
const MODULES: readonly string[] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];
const DATA: readonly string[] = [
  ".json",
  ".txt",
  ".md",
  ".html",
  ".css",
  ".yml",
  ".yaml",
  ".toml",
  ".env",
  ".lock",
  ".sh",
  ".rb",
  ".php",
];
