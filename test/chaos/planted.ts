/** What the tests of planted defects share: short runs of the suite against a build with a defect, and against the shipped one. */

import { expect, onTestFinished, test } from "vitest";
import { runChaos } from "./chaos.ts";
import type { RunOptions } from "./chaos.ts";
import { plant } from "./plant.ts";
import type { Defect } from "./plant.ts";
import { accountOf } from "./report.ts";
import type { Invariant } from "./violation.ts";

export type Scenario = Omit<RunOptions, "binary" | "say">;

/** Two workers under less traffic than usual: what is shown here needs no more. */
export const SMALL = {
  shape: { workers: 2, lingerMs: 400, surge: "25%", maxRequests: 0 },
  traffic: { keepAlive: 12, fresh: 2, idle: 24 },
} as const;

export interface PlantedDefect {
  readonly defect: Defect;
  /** The invariant that must be found violated. */
  readonly violates: Invariant;
  /** What shows in that something does not happen is waited for with less patience. */
  readonly patience?: number;
}

/** Tests that `scenario` finds each of `defects`, and nothing on the shipped binary. */
export function testPlanted(scenario: Scenario, defects: Readonly<Record<string, PlantedDefect>>): void {
  test.each(Object.entries(defects))("finds that %s", async (_, { defect, violates, patience }) => {
    const build = await plant(defect);
    onTestFinished(() => build.remove());
    const report = await runChaos({ ...scenario, binary: build.binary, patience });
    const found = report.lives.flatMap(({ violations }) => violations.map(({ invariant }) => invariant));
    expect(found, accountOf(report)).toContain(violates);
  });

  test("finds nothing on the shipped binary", async () => {
    expect(accountOf(await runChaos(scenario))).toBe("");
  });
}
