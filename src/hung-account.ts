/**
 * What a worker whose event loop is blocked still says of itself, and the ways by which the master can ask for it. Both
 * sides share this file; it knows neither how the question travels nor what is made of the answer.
 */

/** The descriptor in a worker that leads to the master past the worker's event loop: a thread answers on it, if there is one. */
export const RELAY_FD = 4;

/** The name, in the registry of symbols, under which `process` holds what gives the account. */
export const ACCOUNT_SYMBOL = "tsgate.account";

/** The name of the script that asks; its frame is none of the application's. */
export const ASKING_SCRIPT = "tsgate:ask";

/** How a blocked worker can be asked. */
export type AskingWay =
  /** SIGUSR1 makes Node open its inspector, whatever the event loop does. */
  | { readonly by: "signal" }
  /** A thread of the worker passes questions on, because the signal is taken. */
  | { readonly by: "relay" }
  /** Somebody has opened the inspector already. */
  | { readonly by: "url"; readonly url: string }
  | { readonly by: "none"; readonly why: string };

/** One call on the stack; positions count from 1. */
export interface Frame {
  /** As V8 writes it: `handler`, `Router.handle [as get]`, `async load`, `new Parser`; empty for code at the top of a file. */
  readonly name: string;
  /** The function's own name, or empty. */
  readonly function: string;
  /** A path, a URL that is no file's, or empty for what is built into the engine or made by `eval`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Neither of Node, nor of tsgate, nor of the engine. */
  readonly isUsers: boolean;
}

export interface RequestInFlight {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly ageMs: number;
  /** Its `X-Request-Id`, where it has a sane one. */
  readonly requestId?: string;
}

export interface Account {
  /** Innermost first. */
  readonly frames: readonly Frame[];
  /** How many requests are in flight. */
  readonly inFlight: number;
  /** The oldest of them first, not more than `REQUESTS_TOLD`. */
  readonly requests: readonly RequestInFlight[];
  /** How long ago the last heartbeat was, by the worker's own clock; null before the first. */
  readonly sinceBeatMs: number | null;
}

export const REQUESTS_TOLD = 50;

export interface AccountGiver {
  /** What is so now; positions are those of the code that runs. */
  tell(): Account;
  /** What was told last, with the positions of the sources. */
  retell(): Account | undefined;
}
