/**
 * How many workers there are when nobody says: `$WEB_CONCURRENCY`, else as many as CPUs, but no more than the memory
 * limit allows. A pure function of facts; who reads them from the system is `machine-facts.ts`. Imports nothing: it is
 * needed before anything else is loaded.
 */

/** More workers than anyone means to ask for. */
export const MOST_WORKERS = 4096;

/** Memory that one worker is reckoned to need, in bytes. */
export const MEMORY_PER_WORKER = 256 * 1024 ** 2;

/** What the machine, or the container, gives to this process. */
export interface MachineFacts {
  /** CPUs that this process may run on. */
  readonly cpus: number;
  /** CPU time a second, in CPUs, that the container may use. */
  readonly cpuQuota?: number;
  /** Bytes that the container may use. */
  readonly memoryLimit?: number;
}

export interface WorkerCount {
  readonly count: number;
  /** Why, as a part of a sentence: `2 CPUs`, `CPU quota of 1.5`, `memory limit of 1 GB`. */
  readonly reason: string;
}

/** The number of workers for a machine: the least of CPUs, CPU quota rounded up and memory / 256 MB; at least 1. */
export function workerCountFor(facts: MachineFacts): WorkerCount {
  let best: WorkerCount = { count: Math.max(1, facts.cpus), reason: facts.cpus === 1 ? "1 CPU" : `${facts.cpus} CPUs` };
  if (facts.cpuQuota !== undefined) {
    best = lesser(best, Math.ceil(facts.cpuQuota), `CPU quota of ${rounded(facts.cpuQuota)}`);
  }
  if (facts.memoryLimit !== undefined) {
    best = lesser(
      best,
      Math.floor(facts.memoryLimit / MEMORY_PER_WORKER),
      `memory limit of ${inWords(facts.memoryLimit)}`,
    );
  }
  return { ...best, count: Math.min(best.count, MOST_WORKERS) };
}

function lesser(best: WorkerCount, count: number, reason: string): WorkerCount {
  return count < best.count ? { count: Math.max(1, count), reason } : best;
}

/** A size for people: `1.5 GB`, `512 MB`. */
export function inWords(bytes: number): string {
  const gigabytes = bytes / 1024 ** 3;
  return gigabytes >= 1 ? `${rounded(gigabytes)} GB` : `${rounded(bytes / 1024 ** 2)} MB`;
}

function rounded(value: number): string {
  return String(Number(value.toFixed(2)));
}
