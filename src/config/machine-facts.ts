/**
 * Reads what the machine and the container allow: CPUs of the affinity mask, CPU quota and memory limit of this
 * process's own cgroup and of each above it (v2 `cpu.max`, `memory.max`; v1 `cpu.cfs_quota_us`,
 * `memory.limit_in_bytes`). What cannot be read is not a limit; never throws. Decides nothing.
 */

import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { posix } from "node:path";
import type { MachineFacts } from "./worker-count.ts";

/** Where the system tells these things; tests make up their own. */
export interface SystemPaths {
  readonly procSelf: string;
  readonly cgroupRoot: string;
}

/** Reads the facts of this machine, or of the made-up one in `paths`. */
export function readMachineFacts(
  paths: SystemPaths = { procSelf: "/proc/self", cgroupRoot: "/sys/fs/cgroup" },
): MachineFacts {
  const cgroups = cgroupDirectories(paths);
  const cpuQuota = least([...cgroups.unified.map(quotaOfV2), ...cgroups.cpu.map(quotaOfV1)]);
  const memoryLimit = least([...cgroups.unified.map(memoryOfV2), ...cgroups.memory.map(memoryOfV1)]);
  return {
    cpus: countCpus(paths.procSelf),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
  };
}

/**
 * CPUs of the affinity mask. Newer versions of Node already take quota and weight into `availableParallelism`, and
 * round down; the mask gives the same number on every version.
 */
function countCpus(procSelf: string): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read(procSelf, "status") ?? "")?.[1];
  if (list === undefined) return availableParallelism();
  const allowed = list.split(",").reduce((sum, range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return sum + (last - first + 1);
  }, 0);
  const present = cpus().length || availableParallelism();
  return allowed >= 1 ? Math.min(allowed, present) : present;
}

interface CgroupDirectories {
  readonly unified: readonly string[];
  readonly cpu: readonly string[];
  readonly memory: readonly string[];
}

/** The directories of this process's cgroup and of its ancestors, from `/proc/self/cgroup` (cgroups(7)). */
function cgroupDirectories({ procSelf, cgroupRoot }: SystemPaths): CgroupDirectories {
  const found: { unified: string[]; cpu: string[]; memory: string[] } = { unified: [], cpu: [], memory: [] };
  for (const line of (read(procSelf, "cgroup") ?? "0::/").split("\n")) {
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

/** `path` and everything above it under `mount`, the mount itself last: in a container the path may not be there. */
function chain(mount: string, path: string): string[] {
  const directories: string[] = [];
  for (let at = posix.normalize(path); ; at = posix.dirname(at)) {
    directories.push(posix.join(mount, at));
    if (at === "/") return directories;
  }
}

function quotaOfV2(directory: string): number | undefined {
  const [quota, period] = (read(directory, "cpu.max") ?? "max").trim().split(/\s+/);
  return quotient(quota, period ?? "100000");
}

function quotaOfV1(directory: string): number | undefined {
  return quotient(read(directory, "cpu.cfs_quota_us"), read(directory, "cpu.cfs_period_us"));
}

function quotient(quota: string | undefined, period: string | undefined): number | undefined {
  const value = Number(quota) / Number(period);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

function memoryOfV2(directory: string): number | undefined {
  return bytesOf(read(directory, "memory.max"));
}

function memoryOfV1(directory: string): number | undefined {
  return bytesOf(read(directory, "memory.limit_in_bytes"));
}

/** `max` is not a number; version 1 writes the largest page-aligned 63-bit number for "no limit". */
function bytesOf(text: string | undefined): number | undefined {
  const bytes = text === undefined ? Number.NaN : Number(text.trim());
  return Number.isFinite(bytes) && bytes > 0 && bytes < NO_LIMIT ? bytes : undefined;
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function read(directory: string, file: string): string | undefined {
  try {
    return readFileSync(posix.join(directory, file), "utf8");
  } catch {
    return undefined;
  }
}

const NO_LIMIT = 2 ** 60;
