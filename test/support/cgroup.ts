/** Real cgroups for one test, of version 1 or 2, where this machine lets us make them: as root, outside a container. */

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

export interface CgroupLimits {
  readonly memoryBytes?: number;
  /** CPUs. */
  readonly cpuQuota?: number;
}

const ROOT = "/sys/fs/cgroup";
const PERIOD_US = 100_000;
const isVersion2 = existsSync(path.join(ROOT, "cgroup.controllers"));

/** Why there can be none here; undefined when there can. */
export const cgroupProblem = findProblem();

/** Makes a cgroup with these limits; returns the wrapper that starts a command in it. Call it within a test. */
export function cgroupWrapper(limits: CgroupLimits): string[] {
  const name = `tsgate-test-${process.pid}-${++made}`;
  const folders = make(name, limits);
  onTestFinished(() => remove(folders));
  const join = folders.map((folder) => `echo $$ >"${folder}/cgroup.procs"`).join("; ");
  return ["sh", "-c", `${join}; exec "$@"`, "sh"];
}

let made = 0;

/** Makes the folders of a cgroup and writes its limits. */
function make(name: string, { memoryBytes, cpuQuota }: CgroupLimits): string[] {
  const quotaUs = cpuQuota === undefined ? undefined : Math.round(cpuQuota * PERIOD_US);
  if (isVersion2) {
    const files = {
      ...(memoryBytes === undefined ? {} : { "memory.max": `${memoryBytes}`, "memory.swap.max": "0" }),
      ...(quotaUs === undefined ? {} : { "cpu.max": `${quotaUs} ${PERIOD_US}` }),
    };
    return [makeFolder(path.join(ROOT, name), files)];
  }
  const memory = memoryBytes === undefined ? {} : { "memory.limit_in_bytes": `${memoryBytes}` };
  const cpu = quotaUs === undefined ? {} : { "cpu.cfs_period_us": `${PERIOD_US}`, "cpu.cfs_quota_us": `${quotaUs}` };
  return [makeFolder(path.join(ROOT, "memory", name), memory), makeFolder(path.join(ROOT, "cpu", name), cpu)];
}

function makeFolder(folder: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files))
    if (existsSync(path.join(folder, file))) writeFileSync(path.join(folder, file), text);
  return folder;
}

/** The last of its processes may not be gone yet. */
async function remove(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (let tries = 0; existsSync(folder); tries++) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if (tries > 100) throw error;
        await sleep(20);
      }
    }
  }
}

function findProblem(): string | undefined {
  const folders: string[] = [];
  try {
    folders.push(...make(`tsgate-test-${process.pid}`, { memoryBytes: 2 ** 30, cpuQuota: 1 }));
    const files = isVersion2 ? ["memory.max", "cpu.max"] : ["memory.limit_in_bytes"];
    const lacks = files.filter((file) => !existsSync(path.join(folders[0] as string, file)));
    return lacks.length === 0 ? undefined : `cgroups without ${lacks.join(" and ")}`;
  } catch (error) {
    return `cgroups cannot be made here (${(error as NodeJS.ErrnoException).code}): run as root, outside a container`;
  } finally {
    for (const folder of folders) rmdirSync(folder);
  }
}
