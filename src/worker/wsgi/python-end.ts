/** How an interpreter has ended. Pure. */

export interface PythonEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it wrote of its stacks at its end, when it crashed. */
  readonly lastWords: string;
}

/** In words: a signal's name, or the exit code. */
export function endText({ code, signal }: PythonEnd): string {
  return signal ?? `exit code ${code ?? "unknown"}`;
}
