/**
 * Files of modules on disk: which extensions there are, and what a path means that leaves its extension out. Reads
 * directories and the facts of files, never their contents; never throws.
 */

import { readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { nearest } from "./nearest.ts";

/** What Node may load as a module, in the order in which a missing extension is tried. */
export const MODULE_EXTENSIONS: readonly string[] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];

/** What is at `path`. Whatever is neither a directory nor missing counts as a file. */
export function kindOf(path: string): "file" | "directory" | undefined {
  try {
    return statSync(path).isDirectory() ? "directory" : "file";
  } catch {
    return undefined;
  }
}

/** The file that `path` means: itself, with an extension added, or the `index` in the directory it is. */
export function moduleFileAt(path: string): string | undefined {
  const extended = MODULE_EXTENSIONS.map((extension) => path + extension);
  const indexes = MODULE_EXTENSIONS.map((extension) => join(path, `index${extension}`));
  return [path, ...extended, ...indexes].find((candidate) => kindOf(candidate) === "file");
}

/**
 * The existing file that was probably meant by `path`, among those with one of `extensions`: the nearest name beside
 * it, else the same name in one of the usual build directories. Undefined when nothing is near.
 */
export function nearestFile(path: string, extensions: readonly string[] = MODULE_EXTENSIONS): string | undefined {
  const directory = dirname(path);
  const name = basename(path);
  const isSame = (candidate: string): boolean => withoutExtension(candidate) === withoutExtension(name);
  const beside = namesIn(directory, extensions);
  const near = beside.find(isSame) ?? nearest(name, beside);
  if (near !== undefined) return join(directory, near);
  for (const elsewhere of BUILD_DIRECTORIES.map((build) => join(directory, build))) {
    const same = namesIn(elsewhere, extensions).find(isSame);
    if (same !== undefined) return join(elsewhere, same);
  }
  return undefined;
}

function namesIn(directory: string, extensions: readonly string[]): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return entries.map((entry) => entry.name).filter((name) => extensions.includes(extname(name)));
  } catch {
    return [];
  }
}

function withoutExtension(name: string): string {
  const extension = extname(name);
  return extension === "" ? name : name.slice(0, -extension.length);
}

const BUILD_DIRECTORIES = ["dist", "build", "src", "lib", "server"];
