/**
 * The user's code in the master: a configuration file, a hook, a preloaded module. It may throw where nobody catches
 * or try to end the process; neither may take the server with it.
 */

import { TsgateError, reportError } from "./errors.ts";
import type { WriteRecord } from "./logger.ts";

/** What is being loaded at the moment: two reloads may read the same file at once. */
const loading = new Set<{ hasTried: boolean }>();
let ownExit: (code?: number) => never;

/**
 * Runs `load` while `process.exit()` throws instead of ending the process.
 * @throws what `load` throws, or `refusal` when it tried to exit, whatever it made of that; of several that load at the
 *   same time nobody knows which it was, so it is refused to them all
 */
export async function withoutExit<Result>(refusal: TsgateError, load: () => Promise<Result>): Promise<Result> {
  const host = process as { exit: (code?: number) => never };
  if (loading.size === 0) {
    ownExit = host.exit;
    host.exit = () => {
      for (const one of loading) one.hasTried = true;
      throw refusal;
    };
  }
  const own = { hasTried: false };
  loading.add(own);
  try {
    return await load();
  } catch (error) {
    throw own.hasTried ? refusal : error;
  } finally {
    loading.delete(own);
    if (loading.size === 0) host.exit = ownExit;
  }
}

/** From here on an exception that nobody catches is a record, and the server goes on. Returns what ends that. */
export function surviveUncaught(log: WriteRecord): () => void {
  const listener = (error: unknown, origin: string): void =>
    log("error", "uncaught exception in the master", { origin, error: reportError(error) });
  process.on("uncaughtException", listener);
  return () => void process.off("uncaughtException", listener);
}
