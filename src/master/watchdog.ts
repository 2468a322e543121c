/**
 * Which workers have outlived their deadline, and whether the clock may be believed. Each live state carries one
 * deadline and passing it has one consequence: the worker is killed, and one whose event loop is blocked is asked before
 * what blocks it. Pure.
 */

import { deadlineAfter, NEVER } from "../deadline.ts";
import { type EndCause, type PoolView, LATE_AFTER_MS, type WorkerRecord } from "./model.ts";

/** A wake-up later than this means that the master itself was not running (SIGSTOP, suspend): nobody is judged for it. */
export const TOLERATED_LATENESS_MS = 500;

/** The deadline of a worker's state; none once it is killed, because then only its exit is awaited. */
export function deadlineOf({ state, isKilled, examined, hasQuitOrder }: WorkerRecord): number {
  if (isKilled || state.name === "gone") return NEVER;
  if (examined === undefined) return state.deadline;
  return hasQuitOrder ? Math.min(examined.until, state.deadline) : examined.until;
}

const LONGEST_HEARTBEAT_MS = 1000;
const SHORTEST_HEARTBEAT_MS = 50;
const SILENT_BEATS = 3;

export interface Overdue {
  readonly id: number;
  /** The cause of its end. */
  readonly cause: EndCause;
  /** It is asked first what blocks it; once, and not when everything has to end at once. */
  readonly isAskedFirst: boolean;
}

/** The workers whose deadline has passed. */
export function overdue(workers: readonly WorkerRecord[], now: number): Overdue[] {
  return workers
    .filter((worker) => deadlineOf(worker) <= now)
    .map((worker) => ({
      id: worker.id,
      cause: worker.examined?.cause ?? causeFor(worker),
      isAskedFirst: worker.examined === undefined && !worker.hasQuitOrder && isBlocked(worker, now),
    }));
}

/** Whether the event loop of a worker whose deadline has passed is blocked, as far as its silence tells. */
function isBlocked(worker: WorkerRecord, now: number): boolean {
  const { name } = worker.state;
  return name === "ready" || (name === "draining" && isLate(worker, now));
}

/** Whether its heartbeat is so late that it is asked past its event loop, if anybody asks. */
export function isLate({ lastBeat, limits }: WorkerRecord, now: number): boolean {
  if (lastBeat === undefined) return false;
  return now - lastBeat.at >= Math.min(LATE_AFTER_MS, limits.heartbeatTimeoutMs || NEVER);
}

/** The interval of heartbeats: several fit into the silence after which a worker counts as hung. */
export function heartbeatMs(timeoutMs: number): number {
  if (timeoutMs === 0) return LONGEST_HEARTBEAT_MS;
  return Math.max(SHORTEST_HEARTBEAT_MS, Math.min(LONGEST_HEARTBEAT_MS, timeoutMs / 4));
}

/**
 * When a worker counts as silent if it does not beat before: after three beats, so that one that is busy for a second or
 * two does not. NEVER for one that is silent already, or of which no beats are awaited.
 */
export function silentAt({ lastBeat, limits, isSilent, isKilled }: WorkerRecord): number {
  if (lastBeat === undefined || isSilent || isKilled) return NEVER;
  return lastBeat.at + Math.max(LATE_AFTER_MS, SILENT_BEATS * heartbeatMs(limits.heartbeatTimeoutMs));
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
