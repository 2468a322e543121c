/**
 * Whether the kernel has just killed a process of this container because memory ran out: from the counter of the
 * process's own cgroup, which counts its members whatever limit was reached, one above it or the machine's included
 * (`memory.events` of version 2, `memory.oom_control` of version 1). Without such a file nothing is ever said.
 */

import { cgroupDirectories, readText, SYSTEM_PATHS, type SystemPaths } from "../config/cgroups.ts";

/** How often the counter is read, so that a kill of somebody else's is not taken for a worker's later on. */
const LOOK_EVERY_MS = 1000;
/** A killed worker's exit is seen within this time. */
const RECENT_MS = 2000;

export class OomKills {
  readonly #read: () => number | undefined;
  #count: number;
  #lookedAt: number;
  /** Kills that were seen and not yet told of any worker; not from before. */
  #recent = 0;
  #recentAt = 0;

  constructor(now: number, paths: SystemPaths = SYSTEM_PATHS) {
    this.#read = counterOf(paths);
    this.#count = this.#read() ?? 0;
    this.#lookedAt = now;
  }

  /** Reads the counter, if that was long ago. */
  watch(now: number): void {
    if (now - this.#lookedAt >= LOOK_EVERY_MS) this.#look(now);
  }

  /** A worker has died of SIGKILL, and nobody here has sent it: whether the kernel has. Each kill is told of one worker. */
  explains(now: number): boolean {
    this.#look(now);
    if (this.#recent === 0 || now - this.#recentAt > RECENT_MS) return false;
    this.#recent--;
    return true;
  }

  #look(now: number): void {
    this.#lookedAt = now;
    const count = this.#read() ?? this.#count;
    if (count > this.#count) {
      this.#recent = now - this.#recentAt > RECENT_MS ? count - this.#count : this.#recent + count - this.#count;
      this.#recentAt = now;
    }
    this.#count = count;
  }
}

/** Reads the counter in the first file that has one. */
function counterOf(paths: SystemPaths): () => number | undefined {
  const { unified, memory } = cgroupDirectories(paths);
  const readers = [
    ...unified.map((directory) => () => killsIn(readText(directory, "memory.events"))),
    ...memory.map((directory) => () => killsIn(readText(directory, "memory.oom_control"))),
  ];
  return readers.find((read) => read() !== undefined) ?? (() => undefined);
}

function killsIn(text: string | undefined): number | undefined {
  const digits = /^oom_kill (\d+)$/m.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
