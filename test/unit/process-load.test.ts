import { openSync, closeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startSampling } from "../../src/process-load.ts";

const isLinux = process.platform === "linux";

test("a process that waits is told apart from one that works", async () => {
  const sampler = await startSampling();
  onTestFinished(() => sampler.stop());
  sampler.sample();
  await sleep(300);
  const idle = sampler.sample();
  await sleep(60);
  const endsAt = performance.now() + 500;
  while (performance.now() < endsAt);
  await sleep(10);
  const busy = sampler.sample();
  expect(busy.utilization).toBeGreaterThan(idle.utilization);
  expect(busy.utilization).toBeGreaterThan(0.3);
  expect(busy.delayP99Ms).toBeGreaterThan(300);
  expect(busy.cpuSeconds).toBeGreaterThan(idle.cpuSeconds);
  expect(busy.rssBytes).toBeGreaterThan(busy.heapUsedBytes / 2);
  expect(busy.heapSizeBytes).toBeGreaterThan(0);
});

test.runIf(isLinux)("descriptors are counted against their limit", async () => {
  const before = await countFds();
  const opened = Array.from({ length: 10 }, () => openSync("/dev/null", "r"));
  onTestFinished(() => {
    for (const fd of opened) closeSync(fd);
  });
  const after = await countFds();
  expect(after.openFds - before.openFds).toBe(10);
  expect(after.maxFds).toBeGreaterThan(after.openFds);
});

/** By a sampler of its own: an older kernel's are counted at long intervals. */
async function countFds(): Promise<{ openFds: number; maxFds: number }> {
  const sampler = await startSampling();
  onTestFinished(() => sampler.stop());
  for (;;) {
    const { openFds, maxFds } = sampler.sample();
    if (openFds !== null) return { openFds, maxFds: maxFds ?? 0 };
    await sleep(5);
  }
}
