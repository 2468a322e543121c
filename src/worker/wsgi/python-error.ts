/** An exception of Python as an error of ours: its traceback in the place of a stack. */

export interface PythonErrorReport {
  readonly name: string;
  readonly message: string;
  readonly traceback: string;
}

export class PythonError extends Error {
  override readonly name: string;

  constructor({ name, message, traceback }: PythonErrorReport) {
    super(message);
    // What a request is given up for when nobody waits for it any more is no error.
    this.name = name === "ClientGone" ? "AbortError" : name;
    this.stack = traceback;
  }
}
