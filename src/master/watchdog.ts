/**
 * Which workers have outlived their deadline, and whether the clock may be believed. Each live state carries one
 * deadline and passing it has one consequence: the worker is killed. Pure.
 */

import { deadlineAfter, NEVER } from "../deadline.ts";
import type { EndCause, PoolView, WorkerRecord } from "./model.ts";

/** A wake-up later than this means that the master itself was not running (SIGSTOP, suspend): nobody is judged for it. */
export const TOLERATED_LATENESS_MS = 500;

/** The deadline of a worker's state; none once it is killed, because then only its exit is awaited. */
export function deadlineOf(worker: WorkerRecord): number {
  return worker.isKilled || worker.state.name === "gone" ? NEVER : worker.state.deadline;
}

/** The workers whose deadline has passed, each with the cause of its end. */
export function overdue(workers: readonly WorkerRecord[], now: number): { id: number; cause: EndCause }[] {
  return workers
    .filter((worker) => deadlineOf(worker) <= now)
    .map((worker) => ({ id: worker.id, cause: causeFor(worker) }));
}

/** By how much all deadlines are to be moved because the wake-up due at `dueAt` came only `now`; 0 if it can be believed. */
export function excusableLateness(dueAt: number, now: number): number {
  const lateness = now - dueAt;
  return lateness > TOLERATED_LATENESS_MS ? lateness : 0;
}

/** When the server halts because no worker has been ready for `giveUpMs`; Infinity while one is, or when it stops anyway. */
export function giveUpAt({ noneReadySince, stop }: PoolView, giveUpMs: number): number {
  return noneReadySince === undefined || stop !== undefined ? NEVER : deadlineAfter(noneReadySince, giveUpMs);
}

function causeFor(worker: WorkerRecord): EndCause {
  switch (worker.state.name) {
    case "booting":
      return "boot timeout";
    case "ready":
      return "hung";
    case "draining":
    case "gone":
      return "drain timeout";
  }
}
