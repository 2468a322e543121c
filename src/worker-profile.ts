/**
 * Where a worker's event loop has spent a second: what it tells the master when it is asked, and the master tells on.
 * Both sides share this file. Shares are of all samples, 0 to 1.
 */

export interface WorkerProfile {
  readonly durationMs: number;
  readonly samples: number;
  /** Waiting for something to do. */
  readonly idle: number;
  readonly garbageCollection: number;
  /** In Node, in tsgate and in native code that no code of the application has called. */
  readonly outside: number;
  /** What the application did, the hottest first; what is below one percent is left out. */
  readonly calls: readonly ProfiledCall[];
}

/** A function, called from where its parent in the tree stands. */
export interface ProfiledCall {
  /** Empty for code at the top of a file, and for functions without a name. */
  readonly name: string;
  /** A path, a URL that is no file's, or empty for what is built into the engine. */
  readonly file: string;
  /** The line that was on top most often, else that on which the function begins; 0 where there is none. */
  readonly line: number;
  /** Neither of Node, nor of tsgate, nor of the engine. */
  readonly isUsers: boolean;
  /** On top of the stack. */
  readonly self: number;
  /** Anywhere on the stack. */
  readonly total: number;
  readonly calls: readonly ProfiledCall[];
}

/** How long a worker is looked at. */
export const PROFILE_MS = 1000;
export const MOST_CALLS = 100;
export const DEEPEST_CALL = 32;

/** Whether a worker has told a profile: its application shares the process and may say anything. */
export function isWorkerProfile(value: unknown): value is WorkerProfile {
  const { durationMs, samples, idle, garbageCollection, outside, calls } = (value ?? {}) as Partial<WorkerProfile>;
  if (![durationMs, samples, idle, garbageCollection, outside].every(isNumber)) return false;
  const left = { calls: MOST_CALLS };
  return areCalls(calls, DEEPEST_CALL, left);
}

function areCalls(value: unknown, deepest: number, left: { calls: number }): boolean {
  if (!Array.isArray(value) || (deepest === 0 && value.length > 0)) return false;
  return value.every((call: Partial<ProfiledCall> | null) => {
    if (--left.calls < 0 || call === null || typeof call !== "object") return false;
    const { name, file, line, isUsers, self, total, calls } = call;
    if (typeof name !== "string" || typeof file !== "string" || typeof isUsers !== "boolean") return false;
    return [line, self, total].every(isNumber) && areCalls(calls, deepest - 1, left);
  });
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}
