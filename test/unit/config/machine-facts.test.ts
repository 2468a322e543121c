import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SystemPaths } from "../../../src/config/cgroups.ts";
import { readMachineFacts, readMemoryLimit } from "../../../src/config/machine-facts.ts";
import { temporaryTree } from "./temporary-tree.ts";

const GB = 1024 ** 3;

/** A made-up system: what `/proc/self/cgroup` says and what the files under `/sys/fs/cgroup` hold. */
function system(cgroup: string, files: Readonly<Record<string, string>>, allowed = "0"): SystemPaths {
  const inSys = Object.entries(files).map(([path, text]) => [`sys/${path}`, text]);
  const root = temporaryTree({
    "proc/cgroup": cgroup,
    "proc/status": `Name:\tnode\nCpus_allowed_list:\t${allowed}\n`,
    ...(Object.fromEntries(inSys) as Record<string, string>),
  });
  return { procSelf: join(root, "proc"), cgroupRoot: join(root, "sys") };
}

test("a container with version 2 is read at its own root", () => {
  const paths = system("0::/\n", { "cpu.max": "150000 100000\n", "memory.max": `${GB}\n` });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1, cpuQuota: 1.5, memoryLimit: GB });
});

test("a service's own cgroup and all above it count, and the least limit wins", () => {
  const paths = system("0::/system.slice/app.service\n", {
    "system.slice/app.service/cpu.max": "max 100000\n",
    "system.slice/app.service/memory.max": `${4 * GB}\n`,
    "system.slice/cpu.max": "200000 100000\n",
    "system.slice/memory.max": `${2 * GB}\n`,
    "memory.max": "max\n",
  });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1, cpuQuota: 2, memoryLimit: 2 * GB });
});

test("a path of the host that is not there in the container falls back to the mount", () => {
  const paths = system("0::/docker/0123abc\n", { "cpu.max": "50000 100000\n" });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1, cpuQuota: 0.5 });
});

test("version 1 is read by controller", () => {
  const paths = system("5:cpu,cpuacct:/a/b\n4:memory:/a\n1:name=systemd:/x\n", {
    "cpu,cpuacct/a/b/cpu.cfs_quota_us": "300000\n",
    "cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n",
    "memory/a/memory.limit_in_bytes": `${GB}\n`,
  });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1, cpuQuota: 3, memoryLimit: GB });
});

test("version 1 without limits has none", () => {
  const paths = system("3:cpu:/\n4:memory:/\n", {
    "cpu/cpu.cfs_quota_us": "-1\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
  });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1 });
});

test("a hybrid system is read from both", () => {
  const paths = system("4:memory:/a\n0::/a\n", {
    "memory/a/memory.limit_in_bytes": `${GB}`,
    "unified/a/cpu.max": "100000 100000",
  });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1, cpuQuota: 1, memoryLimit: GB });
});

test("the memory limit alone is the same number", () => {
  const files = { "a/memory.max": `${2 * GB}\n`, "memory.max": `${GB}\n` };
  expect(readMemoryLimit(system("0::/a\n", files))).toBe(GB);
  expect(readMemoryLimit({ procSelf: "/nonexistent", cgroupRoot: "/nonexistent" })).toBeUndefined();
});

test("nonsense and missing files are no limits", () => {
  const paths = system("garbage\n0::/x\n", { "x/cpu.max": "what 100000", "x/memory.max": "0" });
  expect(readMachineFacts(paths)).toEqual({ cpus: 1 });
  expect(readMachineFacts({ procSelf: "/nonexistent", cgroupRoot: "/nonexistent" })).toEqual({
    cpus: availableParallelism(),
  });
});

test("the CPUs are those of the affinity mask, as far as the machine has them", () => {
  expect(readMachineFacts(system("0::/", {}, "0-4095")).cpus).toBe(cpus().length);
  expect(readMachineFacts(system("0::/", {}, "0-4095,8000")).cpus).toBe(cpus().length);
});

test("this machine has at least one CPU", () => {
  expect(readMachineFacts().cpus).toBeGreaterThanOrEqual(1);
});
