/**
 * The user's code in the master: a configuration file, a hook, a preloaded module. It may throw where nobody catches
 * or try to end the process; neither may take the server with it.
 */

import { TsgateError, reportError } from "./errors.ts";
import type { WriteRecord } from "./logger.ts";

/**
 * Runs `load` while `process.exit()` throws `refusal` instead of ending the process.
 * @throws what `load` throws, or `refusal` when it tried to exit, whatever it made of that
 */
export async function withoutExit<Result>(refusal: TsgateError, load: () => Promise<Result>): Promise<Result> {
  const host = process as { exit: (code?: number) => never };
  const { exit } = host;
  let hasTried = false;
  host.exit = () => {
    hasTried = true;
    throw refusal;
  };
  try {
    return await load();
  } catch (error) {
    throw hasTried ? refusal : error;
  } finally {
    host.exit = exit;
  }
}

/** From here on an exception that nobody catches is a record, and the server goes on. Returns what ends that. */
export function surviveUncaught(log: WriteRecord): () => void {
  const listener = (error: unknown, origin: string): void =>
    log("error", "uncaught exception in the master", { origin, error: reportError(error) });
  process.on("uncaughtException", listener);
  return () => void process.off("uncaughtException", listener);
}
