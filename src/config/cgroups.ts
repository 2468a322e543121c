/**
 * Where this process's cgroups are: its own and each above it, of version 2 and of version 1 by controller (cgroups(7)).
 * What cannot be read is not there; never throws.
 */

import { readFileSync } from "node:fs";
import { posix } from "node:path";

/** Where the system tells these things; tests make up their own. */
export interface SystemPaths {
  readonly procSelf: string;
  readonly cgroupRoot: string;
}

export const SYSTEM_PATHS: SystemPaths = { procSelf: "/proc/self", cgroupRoot: "/sys/fs/cgroup" };

/** Directories, a process's own before those above it; not all of them need exist. */
export interface CgroupDirectories {
  readonly unified: readonly string[];
  readonly cpu: readonly string[];
  readonly memory: readonly string[];
}

/** The directories of this process's cgroup and of its ancestors, from `/proc/self/cgroup`. */
export function cgroupDirectories({ procSelf, cgroupRoot }: SystemPaths): CgroupDirectories {
  const found: { unified: string[]; cpu: string[]; memory: string[] } = { unified: [], cpu: [], memory: [] };
  for (const line of (readText(procSelf, "cgroup") ?? "0::/").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const names = controllers.split(",");
    if (controllers === "") {
      found.unified.push(...chain(cgroupRoot, path), ...chain(posix.join(cgroupRoot, "unified"), path));
    }
    if (names.includes("cpu"))
      found.cpu.push(
        ...chain(posix.join(cgroupRoot, controllers), path),
        ...chain(posix.join(cgroupRoot, "cpu"), path),
      );
    if (names.includes("memory")) found.memory.push(...chain(posix.join(cgroupRoot, "memory"), path));
  }
  return found;
}

/** The text of a file, or undefined when it cannot be read. */
export function readText(directory: string, file: string): string | undefined {
  try {
    return readFileSync(posix.join(directory, file), "utf8");
  } catch {
    return undefined;
  }
}

/** `path` and everything above it under `mount`, the mount itself last: in a container the path may not be there. */
function chain(mount: string, path: string): string[] {
  const directories: string[] = [];
  for (let at = posix.normalize(path); ; at = posix.dirname(at)) {
    directories.push(posix.join(mount, at));
    if (at === "/") return directories;
  }
}
