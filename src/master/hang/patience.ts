/**
 * How long an answer is waited for. A process that can answer needs a few tens of milliseconds of a processor; one that
 * had more than that and did not, or wants none, is in native code or a system call.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { monotonicNow } from "../../deadline.ts";
import { processorTimes } from "./process-facts.ts";

const PATIENCE_MS = 300;
const LOOK_EVERY_MS = 10;

/** No answer in the time that one takes. */
export class NoAnswer extends Error {}

/**
 * Looks every few milliseconds until `look` gives something.
 * @throws NoAnswer when process `pid` has had its time, and the reason of `aborted`
 */
export async function patiently<Found>(
  pid: number,
  look: () => Promise<Found | undefined> | Found | undefined,
  aborted: AbortSignal,
): Promise<Found> {
  const times = await measureTimes(pid);
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (times.elapsedMs() > PATIENCE_MS && !isStarved(await times.read())) throw new NoAnswer();
    await sleep(LOOK_EVERY_MS, undefined, { signal: aborted });
  }
}

/** Of `elapsedMs`, how long a process ran, and how long it would have run if there had been a processor for it. */
export interface Times {
  readonly elapsedMs: number;
  readonly ranMs: number;
  readonly waitedMs: number;
}

/** Whether others have had the processors, so that nothing follows from its silence: its other threads waited as well. */
export function isStarved({ elapsedMs, ranMs, waitedMs }: Times): boolean {
  return waitedMs > elapsedMs / 4 && ranMs < PATIENCE_MS;
}

/** Begins to measure the times of the main thread of `pid`; where the kernel does not count them they are 0. */
export async function measureTimes(pid: number): Promise<{ elapsedMs: () => number; read: () => Promise<Times> }> {
  const startedAt = monotonicNow();
  const before = await processorTimes(pid);
  const elapsedMs = (): number => monotonicNow() - startedAt;
  const read = async (): Promise<Times> => {
    const now = await processorTimes(pid);
    return { elapsedMs: elapsedMs(), ranMs: now.ranMs - before.ranMs, waitedMs: now.waitedMs - before.waitedMs };
  };
  return { elapsedMs, read };
}
