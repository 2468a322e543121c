/**
 * The log: pino in the master, which alone holds the target. Loaded when the first records have come, after the first
 * worker was forked, because loading it takes longer than everything else that the master does at its start.
 */

import fs from "node:fs";
import type { LogFormat, LogLevel } from "../config/types.ts";
import { usageError } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { isLevelEnabled, type LogFields, type WriteRecord } from "../logger.ts";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Path of the log file; undefined for standard error. */
  readonly file: string | undefined;
  /** The server's name, a field of every record when it is not the default. */
  readonly name: string | undefined;
}

export interface Log {
  readonly write: WriteRecord;
  /** Opens the file anew, after it was moved away. */
  readonly reopen: () => void;
  /** Records wait for a target that takes them, but more slowly than they come: whoever can should hold back. */
  readonly isBehind: () => boolean;
  /** How many records the target was too slow for. */
  readonly droppedRecords: () => number;
  /** Writes what is still waiting, for at most a second. The last call before the process ends. */
  readonly close: () => Promise<void>;
}

/** What does the writing, once it is loaded. */
export interface LogBackend {
  write(level: LogLevel, record: LogFields, msg: string): void;
  reopen(): void;
  isBehind(): boolean;
  dropped(): number;
  close(): Promise<void>;
}

interface Waiting {
  readonly level: LogLevel;
  readonly record: LogFields;
  readonly msg: string;
}

/**
 * Opens the log.
 * @throws TsgateError exit 2 when the file cannot be written to
 */
export function openLog(options: LogOptions): Log {
  if (options.file !== undefined) checkWritable(options.file);
  const waiting: Waiting[] = [];
  let backend: LogBackend | undefined;
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    const { createBackend } = await import("./pino-backend.ts");
    backend = await createBackend(options);
    for (const { level, record, msg } of waiting.splice(0)) backend.write(level, record, msg);
  };
  const write: WriteRecord = (level, msg, fields) => {
    if (!isLevelEnabled(level, options.level)) return;
    const record = { role: "master", pid: process.pid, ...fields };
    if (backend !== undefined) return backend.write(level, record, msg);
    waiting.push({ level, record: { time: Date.now(), ...record }, msg });
    loading ??= new Promise((resolve) => setImmediate(resolve)).then(load);
    return undefined;
  };
  const close = async (): Promise<void> => {
    await loading;
    await backend?.close();
  };
  return {
    write,
    close,
    reopen: () => backend?.reopen(),
    droppedRecords: () => backend?.dropped() ?? 0,
    isBehind: () => backend?.isBehind() ?? false,
  };
}

function checkWritable(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, "a"));
  } catch (error) {
    throw usageError(`cannot write to the log file ${file}: ${fileProblem(error, file)}`, error);
  }
}
