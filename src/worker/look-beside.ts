/** What a module exports beside its application: the functions of its life, and what only has the name of one. */

import type { IgnoredExport } from "../messages.ts";
import { describe, type ModuleExports } from "./describe-value.ts";
import { LIFECYCLE } from "./import-module.ts";

/** The application's own life: optional exports beside it. */
export interface Lifecycle {
  readonly startup?: () => unknown;
  readonly health?: () => unknown;
  readonly beforeDrain?: () => unknown;
  readonly shutdown?: () => unknown;
}

export interface Beside {
  readonly lifecycle: Lifecycle;
  /** Absent where nothing is. */
  readonly ignored?: readonly IgnoredExport[];
}

/** @param counting the names that mean something beside this application; null and undefined are none */
export function lookBeside(exports: ModuleExports, counting: readonly string[]): Beside {
  const lifecycle: Lifecycle = Object.fromEntries(
    LIFECYCLE.filter((name) => typeof exports[name] === "function").map((name) => [name, exports[name]]),
  );
  const ignored = counting
    .filter((name) => (exports[name] ?? undefined) !== undefined && typeof exports[name] !== "function")
    .map((name) => ({ name, type: describe(exports[name]) }));
  return { lifecycle, ...(ignored.length === 0 ? {} : { ignored }) };
}
