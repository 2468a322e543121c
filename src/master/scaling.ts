/** The wanted number of workers. Pure. */

import type { Surge } from "../config/types.ts";

/** One worker more or less, never below one. */
export function resize(target: number, change: number): number {
  return Math.max(1, target + change);
}

/**
 * The target after a reload: the number that was scaled to stays until the configured one changes.
 * @param configuredBefore `workers` of the configuration that was in force
 */
export function targetAfterReload(target: number, configuredBefore: number, configured: number): number {
  return configured === configuredBefore ? target : configured;
}

/** How many extra workers `surge` allows for `target` workers: a share is rounded down, and at least 1 either way. */
export function surgeFor(surge: Surge, target: number): number {
  const extra = surge.kind === "count" ? surge.value : Math.floor((target * surge.value) / 100);
  return Math.max(1, extra);
}
