/** What every part that logs is given: constant messages, and what varies in fields beside them. */

import type { LogLevel } from "./config/types.ts";

export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one record; never throws and never blocks on its target. */
export type WriteRecord = (level: LogLevel, msg: string, fields?: LogFields) => void;

const ORDER: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** Whether a record of `level` is wanted when `threshold` is set. */
export function isLevelEnabled(level: LogLevel, threshold: LogLevel): boolean {
  return ORDER.indexOf(level) >= ORDER.indexOf(threshold);
}
