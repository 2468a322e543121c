/** What a run may find wrong: the invariant that broke, and one sentence. */

export type Invariant =
  /** A request failed and nothing excuses it. */
  | "request"
  /** Not as many workers are ready as are wanted. */
  | "workers"
  /** In a planned change fewer were ready, or more alive, than allowed. */
  | "ready"
  | "alive"
  /** What is served is not the newest good version. */
  | "version"
  /** A reload did not end as its deployment deserves. */
  | "reload"
  /** Scaling did not happen. */
  | "scale"
  /** A hung worker was not killed in time. */
  | "hang"
  /** A worker that was to be replaced, or was killed, did not go. */
  | "replacement"
  /** An idle connection was closed before `--linger`, or one was kept by a worker that drains. */
  | "linger"
  | "keep-alive"
  /** There is a process too many, or one outlived the server. */
  | "process"
  | "descriptor"
  | "pidfile"
  | "socket"
  /** A record that nothing explains. */
  | "log"
  /** The server did not end in time, or by itself, or with a wrong code. */
  | "stop"
  | "exit";

export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, sentence: string) {
    super(sentence);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

/** Makes every check, and throws whatever they throw together. */
export function expectAll(...checks: readonly (() => unknown)[]): void {
  const violations = checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      return violationsIn(error);
    }
  });
  if (violations.length > 0) throw new AggregateError(violations);
}

/** The violations in what was thrown; whatever else was thrown is thrown on. */
export function violationsIn(error: unknown): Violation[] {
  if (error instanceof AggregateError) return error.errors.flatMap((one: unknown) => violationsIn(one));
  if (error instanceof Violation) return [error];
  throw error;
}
