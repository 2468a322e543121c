/** A worker's record as it begins: forked, and nothing known of it. */

import { NEVER } from "../deadline.ts";
import type { WorkerRecord } from "./model.ts";
import { UNUSED } from "./recycling.ts";

/** What is known of a worker when it is forked. */
type Birth = Pick<WorkerRecord, "id" | "pid" | "slot" | "generation" | "spawnedAt" | "limits" | "recycling"> & {
  /** When it has to be ready. */
  readonly deadline: number;
};

export function newWorker({ deadline, ...birth }: Birth): WorkerRecord {
  return {
    ...birth,
    state: { name: "booting", progress: "forked", listenAt: NEVER, deadline },
    usage: UNUSED,
    unwanted: undefined,
    cause: undefined,
    hasQuitOrder: false,
    isKilled: false,
    lastBeat: undefined,
    isSilent: false,
    askedBy: { by: "signal" },
    examined: undefined,
    failure: undefined,
    loading: undefined,
    lacks: undefined,
  };
}
