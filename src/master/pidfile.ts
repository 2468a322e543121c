/**
 * The pidfile: refused while the process it names lives, recovered when stale, removed at exit if it is still ours.
 * It appears whole or not at all.
 */

import fs from "node:fs";
import path from "node:path";
import { EXIT, hasCode, TsgateError, usageError } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";

export interface Pidfile {
  /** Removes the file if it still names this process. */
  release(): void;
}

/**
 * Writes this process's id to `file`.
 * @throws TsgateError exit 1 when another live process holds it, exit 2 when it cannot be written
 */
export function acquirePidfile(file: string): Pidfile {
  const target = path.resolve(file);
  const temporary = `${target}.${process.pid}`;
  try {
    fs.writeFileSync(temporary, `${process.pid}\n`);
    try {
      claim(temporary, target);
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  } catch (error) {
    if (error instanceof TsgateError) throw error;
    throw usageError(`cannot write the pidfile ${file}: ${fileProblem(error, target)}`, error);
  }
  return { release: () => removeOwn(target) };
}

function claim(temporary: string, target: string): void {
  try {
    // A link fails where a file exists: of two servers that start at once, one gets it.
    fs.linkSync(temporary, target);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    const holder = readPid(target);
    if (holder !== undefined && holder !== process.pid && isHolding(holder, target)) {
      throw new TsgateError("PIDFILE_HELD", `the pidfile ${target} belongs to process ${holder}, which is running`, {
        exitCode: EXIT.error,
      });
    }
    fs.renameSync(temporary, target);
  }
}

function removeOwn(target: string): void {
  if (readPid(target) === process.pid) fs.rmSync(target, { force: true });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(fs.readFileSync(file, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isHolding(pid: number, file: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, as somebody else.
    if (!hasCode(error, "EPERM")) return false;
  }
  return !isNewerThan(pid, file);
}

/** A process that began after the file was written cannot have written it: its number was used again, as after a reboot. */
function isNewerThan(pid: number, file: string): boolean {
  const startedAt = processStartedAt(pid);
  return startedAt !== undefined && startedAt > fs.statSync(file).mtimeMs + CLOCK_SLACK_MS;
}

const CLOCK_SLACK_MS = 2000;
const TICKS_PER_SECOND = 100;

/** When a process began, in milliseconds of the wall clock; undefined where there is no `/proc`. */
function processStartedAt(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const bootedAt = Number(/^btime (\d+)$/m.exec(fs.readFileSync("/proc/stat", "utf8"))?.[1]);
    const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const startedAt = bootedAt * 1000 + (ticks * 1000) / TICKS_PER_SECOND;
    return Number.isFinite(startedAt) ? startedAt : undefined;
  } catch {
    return undefined;
  }
}
