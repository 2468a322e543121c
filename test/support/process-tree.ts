/**
 * Which processes of a test are left. A server is started with a mark in its environment that its workers inherit, so
 * that on Linux none of them can hide, not even one that no log line named.
 */

import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

/** The environment variable that marks a server's processes. */
export const MARK = "TEST_SERVER_MARK";

/** The living processes that carry `mark`; where there is no /proc, those of `knownPids` that live. */
export async function markedProcesses(mark: string, knownPids: Iterable<number> = []): Promise<number[]> {
  if (process.platform !== "linux") return [...knownPids].filter((pid) => isAlive(pid));
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    names.map(async (name) =>
      (await readFile(`/proc/${name}/environ`, "latin1").catch(() => "")).includes(`${MARK}=${mark}`)
        ? Number(name)
        : 0,
    ),
  );
  return marked.filter((pid) => pid > 0);
}

/** Whether a process with this pid exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    // It has gone meanwhile, or the system has no such files.
    return process.platform !== "linux";
  }
}
