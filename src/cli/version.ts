/** What `--version` says. */

import { version } from "../version.ts";

/** `tsgate 1.2.3 (node v22.1.0)`. */
export function versionText(): string {
  return `tsgate ${version()} (node ${process.version})`;
}
