/** The version of tsgate, out of its own `package.json`, wherever this file was bundled to. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The version of the package. */
export function version(): string {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const manifest = join(directory, "package.json");
    if (existsSync(manifest))
      return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
    if (directory === dirname(directory)) return "unknown";
  }
}
