/**
 * Reads what the machine and the container allow: CPUs of the affinity mask, CPU quota and memory limit of this
 * process's own cgroup and of each above it (v2 `cpu.max`, `memory.max`; v1 `cpu.cfs_quota_us`,
 * `memory.limit_in_bytes`). What cannot be read is not a limit; never throws. Decides nothing.
 */

import { availableParallelism, cpus } from "node:os";
import { type CgroupDirectories, cgroupDirectories, readText, SYSTEM_PATHS, type SystemPaths } from "./cgroups.ts";
import type { MachineFacts } from "./worker-count.ts";

/** Reads the facts of this machine, or of the made-up one in `paths`. */
export function readMachineFacts(paths: SystemPaths = SYSTEM_PATHS): MachineFacts {
  const cgroups = cgroupDirectories(paths);
  const cpuQuota = least([...cgroups.unified.map(quotaOfV2), ...cgroups.cpu.map(quotaOfV1)]);
  const memoryLimit = memoryLimitOf(cgroups);
  return {
    cpus: countCpus(paths.procSelf),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
  };
}

/** The bytes that this process may use with all others of its cgroup; undefined when nothing limits it. */
export function readMemoryLimit(paths: SystemPaths = SYSTEM_PATHS): number | undefined {
  return memoryLimitOf(cgroupDirectories(paths));
}

function memoryLimitOf({ unified, memory }: CgroupDirectories): number | undefined {
  return least([...unified.map(memoryOfV2), ...memory.map(memoryOfV1)]);
}

/**
 * CPUs of the affinity mask. Newer versions of Node already take quota and weight into `availableParallelism`, and
 * round down; the mask gives the same number on every version.
 */
function countCpus(procSelf: string): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readText(procSelf, "status") ?? "")?.[1];
  if (list === undefined) return availableParallelism();
  const allowed = list.split(",").reduce((sum, range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return sum + (last - first + 1);
  }, 0);
  const present = cpus().length || availableParallelism();
  return allowed >= 1 ? Math.min(allowed, present) : present;
}

function quotaOfV2(directory: string): number | undefined {
  const [quota, period] = (readText(directory, "cpu.max") ?? "max").trim().split(/\s+/);
  return quotient(quota, period ?? "100000");
}

function quotaOfV1(directory: string): number | undefined {
  return quotient(readText(directory, "cpu.cfs_quota_us"), readText(directory, "cpu.cfs_period_us"));
}

function quotient(quota: string | undefined, period: string | undefined): number | undefined {
  const value = Number(quota) / Number(period);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

function memoryOfV2(directory: string): number | undefined {
  return bytesOf(readText(directory, "memory.max"));
}

function memoryOfV1(directory: string): number | undefined {
  return bytesOf(readText(directory, "memory.limit_in_bytes"));
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

const NO_LIMIT = 2 ** 60;
