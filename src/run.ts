/** Running the server from a program instead of the command line. */

import type { ConfigInput } from "./define-config.ts";
import type { Hooks } from "./config/types.ts";
import { TsgateError } from "./errors.ts";
import { runServer } from "./master/run-server.ts";

/** Settings as in a configuration file; hooks belong into one, because workers read them from there. */
export type RunOptions = Omit<ConfigInput, keyof Hooks> & {
  /** Configuration file to read beneath these settings. */
  config?: string;
};

/**
 * Runs a server in this process as its master, until a signal stops it. This process takes over the signals.
 * @returns the exit code that the command would have ended with, 0 when it was stopped as asked
 * @throws TsgateError when the server cannot begin or halts; its `exitCode` says which way
 */
export async function run({ app, appArgs, ...settings }: RunOptions): Promise<number> {
  const { error, exitCode } = await runServer({
    flags: settings,
    app,
    appArgs: appArgs ?? [],
    env: process.env,
    cwd: process.cwd(),
  });
  if (error instanceof TsgateError) throw error;
  return exitCode;
}
