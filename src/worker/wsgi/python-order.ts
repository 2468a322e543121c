/** What a Python interpreter of a worker is to serve, and how. */

export interface PythonOrder {
  /** The application as it was written. */
  readonly text: string;
  readonly executable: string;
  readonly module: string;
  readonly attribute: string;
  readonly factory: boolean;
  readonly args: readonly string[];
  readonly chdir: string;
  /** What comes before the interpreter's own module path. */
  readonly path: readonly string[];
  readonly threads: number;
  readonly multiprocess: boolean;
  /** How much of a reply it may send before the client has taken it, and of a request's body it is given at once. */
  readonly windowBytes: number;
  /** How long all of its threads may be silent; 0 for ever. */
  readonly timeoutMs: number;
  readonly lookEveryMs: number;
  /** `wsgiref.validate` stands before the application. */
  readonly validate: boolean;
  readonly software: string;
}
