/** Where errors of applications go that nobody else takes. */

import type { RequestName } from "./run.ts";
import type { ErrorStream } from "./types.ts";

/** An error with its stack, and the request that it belongs to, as lines. */
export function describeError(error: unknown, request: RequestName): string {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${request.method} ${request.path}: ${what}\n`;
}

export const STANDARD_ERROR: ErrorStream = {
  write(text) {
    process.stderr.write(text);
  },
  writelines(lines) {
    for (const line of lines) process.stderr.write(line);
  },
  flush() {},
};
