/**
 * Whether an interpreter gets on, looked at every so often: hung is one whose threads have all been silent at a request
 * for too long, or whose lock is held for that long. For a time in which this process itself did not run (SIGSTOP, a
 * suspended machine, a blocked event loop) nobody is judged.
 */

/** A call of a thread, as far as its silence is concerned. */
export interface WatchedCall {
  /** On the monotonic clock. */
  readonly silentSince: number;
  /** It waits for the client, and not for Python. */
  readonly waitsForClient: boolean;
  postpone(ms: number): void;
}

export interface Watched {
  /** One for each thread; undefined where it has nothing to do. */
  readonly calls: readonly (WatchedCall | undefined)[];
  /** Whether it answers, within `patienceMs` of being asked. */
  answers(now: number, patienceMs: number): boolean;
  postpone(ms: number): void;
}

/** A thread that has been silent for so long makes the interpreter worth a question. */
const ASK_AFTER_MS = 1000;
/** A look that comes later than this was held up. */
const TOLERATED_LATENESS_MS = 500;

export class PythonWatch {
  readonly #timeoutMs: number;
  readonly #intervalMs: number;
  #lookedAt: number | undefined;

  /** @param intervalMs how often it is looked at */
  constructor(timeoutMs: number, intervalMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#intervalMs = intervalMs;
  }

  /** A look is due: time that has been lost until `now` counts for nobody. Before what has come meanwhile is read. */
  begin(now: number, watched: Watched): void {
    const lateMs = this.#lookedAt === undefined ? 0 : now - this.#lookedAt - this.#intervalMs;
    this.#lookedAt = now;
    if (lateMs <= TOLERATED_LATENESS_MS) return;
    for (const call of watched.calls) call?.postpone(lateMs);
    watched.postpone(lateMs);
  }

  /** For how long it has been silent, if that is too long. */
  hungFor(now: number, watched: Watched): number | undefined {
    const silences = watched.calls.map((call) =>
      call === undefined || call.waitsForClient ? 0 : now - call.silentSince,
    );
    const longest = Math.max(...silences);
    const isAnswering = longest < ASK_AFTER_MS || watched.answers(now, this.#timeoutMs);
    return isAnswering && Math.min(...silences) < this.#timeoutMs ? undefined : longest;
  }
}
