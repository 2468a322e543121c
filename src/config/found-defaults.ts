/**
 * The two defaults that are found rather than fixed: `$PORT` stands in for the address, `$WEB_CONCURRENCY` or the
 * machine for the number of workers. Platforms set these for any server, so the configuration file wins over them.
 */

import type { DefaultFacts, FoundDefault } from "./setting-row.ts";
import type { BindAddress } from "./types.ts";
import { ValueError } from "./value-error.ts";
import { parseInteger } from "./values.ts";
import { MOST_WORKERS, workerCountFor } from "./worker-count.ts";

/** `:$PORT`, else 127.0.0.1:8000. Throws `ValueError` for a `$PORT` that is no port. */
export function defaultBind({ env }: DefaultFacts): FoundDefault<readonly BindAddress[]> {
  const port = fromVariable(env, "PORT", (text) => parseInteger(text, 0, 65_535));
  if (port === undefined) {
    return { value: [{ kind: "tcp", host: "127.0.0.1", port: 8000 }], origin: "default", reason: "default" };
  }
  return { value: [{ kind: "tcp", host: null, port }], origin: "environment", reason: "$PORT" };
}

/** `$WEB_CONCURRENCY`, else what the machine can carry. Throws `ValueError` for a variable that is no number. */
export function defaultWorkers({ env, machine }: DefaultFacts): FoundDefault<number> {
  const count = fromVariable(env, "WEB_CONCURRENCY", parseWorkerCount);
  if (count !== undefined) return { value: count, origin: "environment", reason: "$WEB_CONCURRENCY" };
  const found = workerCountFor(machine());
  return { value: found.count, origin: "default", reason: found.reason };
}

/** Parses a number of workers. Throws `ValueError`. */
export function parseWorkerCount(value: unknown): number {
  return parseInteger(value, 1, MOST_WORKERS);
}

function fromVariable<T>(env: DefaultFacts["env"], name: string, parse: (text: string) => T): T | undefined {
  const text = env[name]?.trim() ?? "";
  if (text === "") return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof ValueError ? new ValueError(`$${name}: ${error.message}`) : error;
  }
}
