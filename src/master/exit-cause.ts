/** What a worker died of when nobody here had asked for it: from its exit, and from what it said of its heap last. Pure. */

import type { EndCause, WorkerUsage } from "./model.ts";

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

export function causeOfExit({ code, signal, isOomKill }: Exit, usage: WorkerUsage): EndCause {
  if (signal === "SIGKILL" && isOomKill) return KILLED_FOR_MEMORY;
  if (signal !== null && FATAL.has(signal)) return isHeapNearlyFull(usage) ? HEAP_LIMIT_REACHED : "crashed";
  if (signal !== null) return "killed from outside";
  return code === 0 ? "exited by itself" : "crashed";
}

function isHeapNearlyFull({ heapUsedBytes, heapLimitBytes }: WorkerUsage): boolean {
  return heapLimitBytes > 0 && heapUsedBytes >= NEARLY_FULL * heapLimitBytes;
}

/** What a process does to itself: V8 aborts when its heap is full, native code fails. */
const FATAL = new Set(["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"]);
