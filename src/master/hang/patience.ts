/**
 * How long an answer is waited for. A process that can answer does so in a few tens of milliseconds; one that does not is
 * in native code, unless others have the processors: then it is waited for as long as there is time at all.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { monotonicNow } from "../../deadline.ts";
import { waitedForProcessorMs } from "./process-facts.ts";

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
  const crowding = await measureCrowding(pid);
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (crowding.elapsedMs() > PATIENCE_MS && !isCrowded(await crowding.read())) throw new NoAnswer();
    await sleep(LOOK_EVERY_MS, undefined, { signal: aborted });
  }
}

/** Of `elapsedMs`, how long a process would have run if there had been a processor for it. */
export interface Crowding {
  readonly elapsedMs: number;
  readonly waitedMs: number;
}

export function isCrowded({ elapsedMs, waitedMs }: Crowding): boolean {
  return waitedMs > elapsedMs / 2;
}

/** Begins to measure how crowded the processors are for `pid`. */
export async function measureCrowding(
  pid: number,
): Promise<{ elapsedMs: () => number; read: () => Promise<Crowding> }> {
  const startedAt = monotonicNow();
  const before = await waitedForProcessorMs(pid);
  const elapsedMs = (): number => monotonicNow() - startedAt;
  const read = async (): Promise<Crowding> => ({
    elapsedMs: elapsedMs(),
    waitedMs: (await waitedForProcessorMs(pid)) - before,
  });
  return { elapsedMs, read };
}
