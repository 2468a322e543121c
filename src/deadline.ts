/**
 * Instants and deadlines on the monotonic clock. An instant is a number of milliseconds since an arbitrary origin of
 * this process; it never jumps with the wall clock and stands still while the machine is suspended.
 */

/** A source of monotonic instants in milliseconds. */
export type Clock = () => number;

/** The monotonic clock of this process, in milliseconds. */
export const monotonicNow: Clock = () => performance.now();

/** No deadline: later than every instant. */
export const NEVER = Number.POSITIVE_INFINITY;

/** The instant `durationMs` from `now`; a duration of 0 means that there is no deadline. */
export function deadlineAfter(now: number, durationMs: number): number {
  return durationMs === 0 ? NEVER : now + durationMs;
}
