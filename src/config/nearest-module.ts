/**
 * The file that was probably meant when a path leads nowhere: looks in its directory and in the usual build
 * directories. Reads directories only; never throws.
 */

import { readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { nearest } from "./nearest.ts";

/** The existing file nearest to `path` among those with one of `extensions`, as an absolute path, or undefined. */
export function nearestModule(path: string, extensions: readonly string[]): string | undefined {
  const directory = dirname(path);
  const name = basename(path);
  const beside = namesIn(directory, extensions);
  const near =
    nearest(name, beside) ?? beside.find((candidate) => withoutExtension(candidate) === withoutExtension(name));
  if (near !== undefined) return join(directory, near);
  for (const elsewhere of BUILD_DIRECTORIES.map((build) => join(directory, build))) {
    const same = namesIn(elsewhere, extensions).find(
      (candidate) => withoutExtension(candidate) === withoutExtension(name),
    );
    if (same !== undefined) return join(elsewhere, same);
  }
  return undefined;
}

function namesIn(directory: string, extensions: readonly string[]): readonly string[] {
  try {
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return files.map((entry) => entry.name).filter((name) => extensions.includes(extname(name)));
  } catch {
    return [];
  }
}

function withoutExtension(name: string): string {
  const extension = extname(name);
  return extension === "" ? name : name.slice(0, -extension.length);
}

const BUILD_DIRECTORIES = ["dist", "build", "src", "lib", "server"];
