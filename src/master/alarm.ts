/**
 * Wakes the master at the nearest deadline, and knows when it was woken so late that it cannot have been running: whatever
 * then comes first, a deadline or anything else, comes after that.
 */

import { monotonicNow, NEVER } from "../deadline.ts";
import { excusableLateness } from "./watchdog.ts";

/** The longest delay that a Node timer can hold. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = NEVER;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at `dueAt` and at no earlier instant that was set; NEVER for not at all. */
  set(dueAt: number): void {
    if (dueAt === this.#dueAt && this.#timer !== undefined) return;
    this.clear();
    this.#dueAt = dueAt;
    if (dueAt === NEVER) return;
    // One poll phase passes before anyone is judged: what waits in the channels, heartbeats and ends, is read first.
    const wake = (): unknown => setImmediate(() => this.#wakeUp(timer));
    const timer = setTimeout(wake, Math.min(Math.max(0, Math.ceil(dueAt - monotonicNow())), LONGEST_SLEEP_MS));
    this.#timer = timer;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueAt = NEVER;
  }

  /** It may have been set anew since `timer` ran out. */
  #wakeUp(timer: NodeJS.Timeout): void {
    if (this.#timer === timer) this.#timer = undefined;
    this.#ring();
  }

  /** For how long the master has not been running, as far as the alarm tells; 0 if it can have been. Said once. */
  takeLateness(now: number): number {
    const lateMs = excusableLateness(this.#dueAt, now);
    if (lateMs > 0) this.#dueAt = NEVER;
    return lateMs;
  }
}
