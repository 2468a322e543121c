/** What Node does not document of modules. */

import { createRequire } from "node:module";

/**
 * From here on the module at `file` is the main one: `require.main === module` holds in it, as when Node runs it, also
 * when it is imported.
 */
export function makeMain(file: string): void {
  const modules = createRequire(file).cache;
  Object.defineProperty(process, "mainModule", { configurable: true, get: () => modules[file] });
}
