/** How it is found out what a worker does: by a profile of a second while it answers, past its event loop while it does not. Pure. */

import type { WorkerRecord } from "./model.ts";
import { isLate } from "./watchdog.ts";

export type StackWay = { readonly by: "profile" | "examination" } | { readonly by: "nothing"; readonly why: string };

/** Why there is nothing to be asked is a sentence. */
export function stackWay(worker: WorkerRecord, now: number): StackWay {
  const { state, isKilled, examined, hasQuitOrder } = worker;
  const who = nameOf(worker);
  if (isKilled) return { by: "nothing", why: `${who} is being killed` };
  if (examined !== undefined)
    return { by: "nothing", why: `${who} hangs and is replaced right now; the log says what it is at` };
  if (hasQuitOrder || state.name === "gone") return { by: "nothing", why: `${who} is leaving` };
  if (state.name === "booting")
    return { by: "nothing", why: `${who} is still booting; it can be looked at when it is ready` };
  return { by: isLate(worker, now) ? "examination" : "profile" };
}

/** A worker as an operator knows it. */
export function nameOf({ slot, pid }: WorkerRecord): string {
  return `the worker in slot ${slot} (pid ${pid})`;
}
