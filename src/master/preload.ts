/**
 * `--preload`: the master imports the application's module itself before the first fork, as gunicorn does, so that a
 * module that cannot load costs no fork. Not for modules with side effects; one that listens is refused.
 */

import net from "node:net";
import { pathToFileURL } from "node:url";
import type { AppReference } from "../app-ref.ts";
import { locateSyntaxError } from "../config/syntax-error.ts";
import { EXIT, messageOf, TsgateError, usageError } from "../errors.ts";
import { withoutExit } from "../user-code.ts";

/**
 * Imports the module; waits for it at most `limitMs`, for ever when that is 0.
 * @throws TsgateError exit 4; when the module itself failed, its error is the cause
 */
export async function preload(app: AppReference, limitMs: number): Promise<void> {
  if (app.python !== undefined)
    throw usageError(`--preload has no effect on ${app.text}, which is of kind wsgi; leave it out`);
  refuseToListen();
  const watch = watchForStandstill(app, limitMs);
  try {
    const ended = preloadError(`application ${app.text} ended the process while it was loading (--preload)`);
    await withoutExit(ended, async () => Promise.race([import(pathToFileURL(app.file).href), watch.standstill]));
  } catch (error) {
    if (error instanceof TsgateError) throw error;
    await locateSyntaxError(app.file, error);
    throw preloadError(`application ${app.text} failed to load in the master (--preload): ${messageOf(error)}`, error);
  } finally {
    watch.stop();
  }
}

/** A module that never settles: its time is up, or the loop is empty and Node would end without a word. */
function watchForStandstill(app: AppReference, limitMs: number): { standstill: Promise<never>; stop: () => void } {
  let stop = (): void => {};
  const standstill = new Promise<never>((_, reject) => {
    const fail = (what: string): void => reject(preloadError(`application ${app.text} ${what}`));
    const onNothingLeft = (): void => fail("awaits something at its top level that can never settle (--preload)");
    const onLate = (): void =>
      fail(`did not finish loading in the master within ${limitMs / 1000} s (--preload, --boot-timeout)`);
    const timer = limitMs === 0 ? undefined : setTimeout(onLate, limitMs).unref();
    process.once("beforeExit", onNothingLeft);
    stop = () => {
      clearTimeout(timer);
      process.off("beforeExit", onNothingLeft);
    };
  });
  return { standstill, stop };
}

/** The master never accepts: a module that would make it do so must be loaded by the workers alone. */
function refuseToListen(): void {
  net.Server.prototype.listen = function listen(): never {
    throw new Error("a module that calls listen() cannot be preloaded; leave out --preload");
  };
}

function preloadError(message: string, cause?: unknown): TsgateError {
  return new TsgateError("PRELOAD_FAILED", message, { exitCode: EXIT.applicationFailedToLoad, cause });
}
