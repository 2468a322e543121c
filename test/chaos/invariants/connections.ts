/**
 * What the traffic saw of draining workers: an idle connection is kept for `--linger`, and from the drain on every reply
 * says that it is the last. Pure.
 */

import type { LogRecord } from "../../support/log-records.ts";
import type { Tally } from "../../support/traffic/tally.mjs";
import { Violation } from "../violation.ts";

/** The clocks of two processes, and the rounding of the log's. */
const CLOCK_MS = 100;
/** Until a worker has heard that it is to drain: it may have been stopped for a while. */
const HEARD_MS = 4000;
/** A worker that drains by itself has begun before the master hears of it. */
const OWN_DRAIN_MS = 1000;

export interface DrainFacts {
  readonly lingerMs: number;
  /** Workers that events have killed or made hang: they close as they end. */
  readonly dead: readonly number[];
  /** When the master was killed. */
  readonly orphanedAt?: number | undefined;
}

/** Throws a Violation for the first connection that was treated otherwise. */
export function expectLingering(
  tallies: readonly Tally[],
  records: readonly LogRecord[],
  { lingerMs, dead, orphanedAt }: DrainFacts,
): void {
  const drains = drainTimes(records, orphanedAt);
  for (const { firstIdleCloseByPid, lastKeptByPid } of tallies) {
    for (const [pid, closedAt] of Object.entries(firstIdleCloseByPid)) {
      if (dead.includes(Number(pid))) continue;
      const drainedAt = drains.get(Number(pid));
      if (drainedAt === undefined)
        throw new Violation("linger", `worker ${pid} closed an idle connection though it was not draining`);
      const lingeredMs = Math.round(closedAt - drainedAt);
      if (lingeredMs < lingerMs - CLOCK_MS)
        throw new Violation(
          "linger",
          `worker ${pid} closed an idle connection ${lingeredMs} ms after its drain began, not ${lingerMs} ms`,
        );
    }
    for (const [pid, keptAt] of Object.entries(lastKeptByPid)) {
      const lateMs = Math.round(keptAt - (drains.get(Number(pid)) ?? Infinity));
      if (lateMs > HEARD_MS && !dead.includes(Number(pid)))
        throw new Violation("keep-alive", `worker ${pid} kept a connection ${lateMs} ms after its drain began`);
    }
  }
}

/** When each worker began to drain. */
function drainTimes(records: readonly LogRecord[], orphanedAt: number | undefined): Map<number, number> {
  const times = new Map<number, number>();
  for (const { msg, pid, time } of records) {
    if (pid === undefined || times.has(pid)) continue;
    if (msg === "worker draining") times.set(pid, time);
    if (msg === "uncaught exception in the application") times.set(pid, time - OWN_DRAIN_MS);
  }
  if (orphanedAt === undefined) return times;
  for (const { msg, pid } of records)
    if (msg === "worker ready" && pid !== undefined && !times.has(pid)) times.set(pid, orphanedAt);
  return times;
}
