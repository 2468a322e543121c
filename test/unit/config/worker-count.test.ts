import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MEMORY_PER_WORKER, workerCountFor, type MachineFacts } from "../../../src/config/worker-count.ts";

const MB = 1024 ** 2;

describe("the number of workers for a machine", () => {
  test.each<[MachineFacts, number, string]>([
    [{ cpus: 1 }, 1, "1 CPU"],
    [{ cpus: 8 }, 8, "8 CPUs"],
    [{ cpus: 8, cpuQuota: 2 }, 2, "CPU quota of 2"],
    [{ cpus: 8, cpuQuota: 1.5 }, 2, "CPU quota of 1.5"],
    [{ cpus: 8, cpuQuota: 0.1 }, 1, "CPU quota of 0.1"],
    [{ cpus: 2, cpuQuota: 4 }, 2, "2 CPUs"],
    [{ cpus: 8, memoryLimit: 1024 * MB }, 4, "memory limit of 1 GB"],
    [{ cpus: 8, memoryLimit: 1000 * MB }, 3, "memory limit of 1000 MB"],
    [{ cpus: 8, memoryLimit: 100 * MB }, 1, "memory limit of 100 MB"],
    [{ cpus: 2, memoryLimit: 1024 * MB }, 2, "2 CPUs"],
    [{ cpus: 8, cpuQuota: 3, memoryLimit: 512 * MB }, 2, "memory limit of 512 MB"],
    [{ cpus: 8, cpuQuota: 2, memoryLimit: 512 * MB }, 2, "CPU quota of 2"],
    [{ cpus: 0 }, 1, "0 CPUs"],
  ])("with %j is %d: %s", (facts, count, reason) => {
    expect(workerCountFor(facts)).toEqual({ count, reason });
  });

  test("is at least 1 and never more than any limit allows", () => {
    const facts = fc.record(
      {
        cpus: fc.integer({ min: 1, max: 512 }),
        cpuQuota: fc.double({ min: 0.01, max: 600, noNaN: true }),
        memoryLimit: fc.maxSafeNat(),
      },
      { requiredKeys: ["cpus"] },
    ) as fc.Arbitrary<MachineFacts>;
    fc.assert(
      fc.property(facts, (machine) => {
        const { count } = workerCountFor(machine);
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(machine.cpus);
        expect(count).toBeLessThanOrEqual(Math.ceil(machine.cpuQuota ?? count));
        if (count > 1) expect(count * MEMORY_PER_WORKER).toBeLessThanOrEqual(machine.memoryLimit ?? Infinity);
      }),
    );
  });
});
