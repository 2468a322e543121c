/**
 * The traffic of docs/guarantees.md for tests: it runs in a process of its own, ends with the test that started it, and
 * its tally says how every request ended.
 */

import { onTestFinished } from "vitest";
import { startTraffic as start } from "./traffic/start.mjs";
import type { Target } from "./traffic/connection.mjs";
import type { Traffic, TrafficOptions } from "./traffic/start.mjs";
import { unexcusedFailures } from "./traffic/tally.mjs";
import type { Tally } from "./traffic/tally.mjs";

export { requestOnce } from "./traffic/connection.mjs";
export type { Exchange, RequestShape, Target } from "./traffic/connection.mjs";
export { unexcusedFailures };
export type { Tally, Traffic, TrafficOptions };

/** Starts the traffic; it is killed when the test ends, if it has not been stopped. Call it within a test. */
export async function startTraffic(options: TrafficOptions): Promise<Traffic> {
  const traffic = await start(options);
  onTestFinished(() => traffic.kill());
  return traffic;
}

/** A lighter traffic, for what is not about the traffic itself; resolves once it flows. Call it within a test. */
export async function startLightTraffic(target: Target, lingerMs: number): Promise<Traffic> {
  const traffic = await startTraffic({ target, lingerMs, keepAlive: 8, fresh: 2, idle: 20, freshPauseMs: 10 });
  await traffic.until(({ outcomes }) => outcomes.ok > 50);
  return traffic;
}

/**
 * Throws unless every request ended well, or failed with the death of the worker that its connection last saw. The
 * message shows the tally and the first failures, so that a red test can be understood from its output.
 */
export function assertNothingLost(tally: Tally, diedPids: Iterable<number> = []): void {
  const lost = unexcusedFailures(tally, diedPids);
  if (lost.length === 0 && tally.outcomes.clientError === 0 && tally.outcomes.ok > 0) return;
  const { failures, ...counts } = tally;
  const first = lost.slice(0, 10).map((failure) => JSON.stringify(failure));
  throw new Error(
    `${lost.length} of ${tally.requests} requests failed and no death excuses them (${failures.length} on record)\n` +
      `${JSON.stringify(counts)}\n${first.join("\n")}`,
  );
}
