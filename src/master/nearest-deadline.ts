/** The instant at which the master has to look again if nothing happens before. Pure. */

import { NEVER } from "../deadline.ts";
import type { PoolView, WorkerRecord } from "./model.ts";
import { recyclingAt } from "./recycling.ts";
import { canaryProvenAt } from "./rollout.ts";
import { deadlineOf, silentAt } from "./watchdog.ts";

/**
 * @param now the instant at which the pool was looked at last; if it is later, what comes between is never done
 * @param giveUpAt when the server halts because no worker is ready, Infinity if it does not
 * @returns an instant, in the past where a worker's deadline, or its time of proof, has passed unjudged; Infinity when only events matter
 */
export function nearestDeadline(pool: PoolView, giveUpAt: number, now: number): number {
  const judged = [canaryProvenAt(pool), ...pool.workers.flatMap((worker) => [deadlineOf(worker), silentAt(worker)])];
  // What became possible in the past and was not done waits for an event, not for a time.
  const awaited = [pool.stop?.serveUntil ?? NEVER, ...pool.workers.flatMap(waitsOf), ...respawns(pool)];
  return Math.min(NEVER, giveUpAt, ...judged, ...awaited.filter((instant) => instant > now));
}

function waitsOf(worker: WorkerRecord): number[] {
  const { state, unwanted } = worker;
  return [
    recyclingAt(worker),
    state.name === "booting" && state.progress === "started" ? state.listenAt : NEVER,
    unwanted?.notBefore ?? NEVER,
  ];
}

function respawns(pool: PoolView): number[] {
  return Array.from({ length: pool.target }, (_, slot) => pool.slotHistory(slot).notBefore);
}
