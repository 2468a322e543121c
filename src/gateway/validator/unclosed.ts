/**
 * Finds bodies that nobody closed. One that was dropped is noticed when it is garbage: that may take long, and holds
 * whatever happens. One that middleware took and forgot is noticed when the body that middleware gave in its place is
 * closed: for that the validator in front of it leaves a list in the environ, and those behind it enter their bodies.
 */

import type { Environ } from "../types.ts";

/** A body that is to be closed. */
export interface Closable {
  isClosed: boolean;
  /** Reports that it was not closed; at most once. */
  missed(why: string): void;
}

/** The list in this environ, or a new one. `isFirst`: whoever asked is the outermost, and calls `settle`. */
export function ledgerOf(environ: Environ): { readonly entries: Set<Closable>; readonly isFirst: boolean } {
  const marked = environ as Environ & { [LEDGER]?: Set<Closable> };
  const known = marked[LEDGER];
  if (known !== undefined) return { entries: known, isFirst: false };
  const entries = new Set<Closable>();
  // A symbol: loops over the environ's keys do not see it, and a copy of the environ takes it along.
  marked[LEDGER] = entries;
  return { entries, isFirst: true };
}

/** The outermost body is closed: what is still open behind it never will be. */
export function settle(entries: ReadonlySet<Closable>): void {
  for (const entry of entries) {
    if (!entry.isClosed) entry.missed("when the body that was sent in its place was closed");
  }
}

/** Reports `entry` as missed if `body` is garbage before it was closed. `entry` must not refer to `body`. */
export function watchGarbage(body: object, entry: Closable): void {
  garbage.register(body, entry);
}

const garbage = new FinalizationRegistry<Closable>((entry) => {
  if (!entry.isClosed) entry.missed("before it was garbage");
});

const LEDGER: unique symbol = Symbol.for("tsgate.validator.bodies") as never;
