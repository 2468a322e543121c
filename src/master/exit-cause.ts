/**
 * Causes of a worker's end: what it died of when nobody here had asked for it, from its exit and from what it said
 * last, of its heap and of a SIGTERM; and whose will an end was. Pure.
 */

import type { DrainReason } from "../messages.ts";
import type { EndCause, WorkerRecord, WorkerState, WorkerUsage } from "./model.ts";

export const KILLED_FOR_MEMORY = "out of memory: killed by the kernel";
export const HEAP_LIMIT_REACHED = "out of memory: heap limit";

/** A heap that was so full at the last heartbeat, and an abort: nothing else ends like that. */
const NEARLY_FULL = 0.75;

/** How a process has ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The kernel has killed a process for memory at that moment. */
  readonly isOomKill: boolean;
}

export function causeOfExit(
  { code, signal, isOomKill }: Exit,
  { usage, unwanted }: Pick<WorkerRecord, "usage" | "unwanted">,
): EndCause {
  if (signal === "SIGKILL" && isOomKill) return KILLED_FOR_MEMORY;
  if (signal !== null && FATAL.has(signal)) return isHeapNearlyFull(usage) ? HEAP_LIMIT_REACHED : "crashed";
  if (signal !== null) return "killed from outside";
  if (code !== 0) return "crashed";
  // It waits only so long for a master that stands still, and then leaves as if there were none.
  return unwanted?.why === "terminated" ? "terminated" : "exited by itself";
}

function isHeapNearlyFull({ heapUsedBytes, heapLimitBytes }: WorkerUsage): boolean {
  return heapLimitBytes > 0 && heapUsedBytes >= NEARLY_FULL * heapLimitBytes;
}

/** What a process does to itself: V8 aborts when its heap is full, native code fails. */
const FATAL = new Set(["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"]);

/** Somebody asked for this end: it is no failure. */
export function isPlanned(cause: EndCause): boolean {
  return PLANNED.has(cause);
}

/** A drain that a worker has begun by itself: it was counted as a failure when it began. @param state its last */
export function isBegunByWorker(state: WorkerState): boolean {
  return state.name === "draining" && BEGUN_BY_WORKER.has(state.why);
}

const PLANNED: ReadonlySet<EndCause> = new Set<EndCause>([
  "max requests",
  "max age",
  "max memory",
  "reload",
  "stop",
  "scaled down",
  "superseded",
  "rollout aborted",
  "unhealthy",
  "terminated",
  "killed on request",
]);

const BEGUN_BY_WORKER: ReadonlySet<DrainReason> = new Set<DrainReason>([
  "uncaught exception",
  "closed by the application",
  "disconnected",
  "hung",
  "interpreter died",
]);
