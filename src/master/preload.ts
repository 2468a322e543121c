/**
 * `--preload`: the master imports the application's module itself before the first fork, as gunicorn does, so that a
 * module that cannot load costs no fork. Not for modules with side effects; one that listens is refused.
 */

import net from "node:net";
import { pathToFileURL } from "node:url";
import type { AppReference } from "../app-ref.ts";
import { EXIT, messageOf, TsgateError } from "../errors.ts";

/** @throws TsgateError exit 4 whose cause is the module's own error */
export async function preload(app: AppReference): Promise<void> {
  refuseToListen();
  try {
    await import(pathToFileURL(app.file).href);
  } catch (error) {
    const message = `application ${app.text} failed to load in the master (--preload): ${messageOf(error)}`;
    throw new TsgateError("PRELOAD_FAILED", message, { exitCode: EXIT.applicationFailedToLoad, cause: error });
  }
}

/** The master never accepts: a module that would make it do so must be loaded by the workers alone. */
function refuseToListen(): void {
  net.Server.prototype.listen = function listen(): never {
    throw new Error("a module that calls listen() cannot be preloaded; leave out --preload");
  };
}
