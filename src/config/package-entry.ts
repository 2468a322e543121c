/**
 * The entry of a package by its `package.json`, as `import` sees it: `exports` under the conditions `node`, `import`,
 * `module-sync` and `default` (docs of Node, "Packages"), else `main`. For what `require.resolve` cannot find.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The file that the package in `directory` declares for `subpath` (`.` or `./x`), or undefined; it may not exist. */
export function packageEntry(directory: string, subpath: string): string | undefined {
  const manifest = readManifest(join(directory, "package.json"));
  if (manifest === undefined) return undefined;
  const target =
    manifest.exports === undefined ? plainTarget(manifest.main, subpath) : exportedTarget(manifest.exports, subpath);
  return target === undefined ? undefined : join(directory, target);
}

/** The file of the package specifier `specifier`, looked for in the `node_modules` of `from` and of all above it. */
export function packageInNodeModules(specifier: string, from: string): string | undefined {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/@][^/]*)(\/.*)?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  for (let directory = from; ; directory = dirname(directory)) {
    const found = join(directory, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return packageEntry(found, `.${rest ?? ""}`);
    if (directory === dirname(directory)) return undefined;
  }
}

interface Manifest {
  readonly main?: unknown;
  readonly exports?: unknown;
}

function readManifest(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

function plainTarget(main: unknown, subpath: string): string | undefined {
  if (subpath !== ".") return subpath;
  return typeof main === "string" ? main : undefined;
}

function exportedTarget(exports: unknown, subpath: string): string | undefined {
  const isMap = isObject(exports) && Object.keys(exports).some((key) => key.startsWith("."));
  if (!isMap) return subpath === "." ? chosen(exports) : undefined;
  if (subpath in exports) return chosen(exports[subpath]);
  for (const [pattern, target] of Object.entries(exports)) {
    const [before = "", after] = pattern.split("*");
    if (after === undefined || !subpath.startsWith(before) || !subpath.endsWith(after)) continue;
    return chosen(target)?.replaceAll("*", subpath.slice(before.length, subpath.length - after.length));
  }
  return undefined;
}

/** A target under our conditions: the first that fits, in the order in which the package lists them. */
function chosen(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (Array.isArray(target)) return target.map(chosen).find((found) => found !== undefined);
  if (!isObject(target)) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const found = CONDITIONS.has(condition) ? chosen(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const CONDITIONS = new Set(["node", "import", "module-sync", "default"]);
