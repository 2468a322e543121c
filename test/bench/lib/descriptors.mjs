/** How many descriptors a process may have here: thousands of connections need as many. */

import { spawnSync } from "node:child_process";

/**
 * A sentence when a process may have fewer than `needed`.
 * @param {number} needed
 */
export function descriptorProblem(needed) {
  const { stdout } = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" });
  const limit = stdout.trim() === "unlimited" ? Infinity : Number(stdout);
  return limit < needed ? `a process may have ${limit} descriptors (ulimit -Hn), and ${needed} are needed` : undefined;
}
