/**
 * The version of tsgate, out of its own `package.json`, wherever this file was bundled to.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** `tsgate 1.2.3 (node v22.1.0)`. */
export function versionText(): string {
  return `tsgate ${version()} (node ${process.version})`;
}

/** The version of the package. */
function version(): string {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const manifest = join(directory, "package.json");
    if (existsSync(manifest))
      return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
    if (directory === dirname(directory)) return "unknown";
  }
}
