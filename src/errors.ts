/**
 * Exit codes and the error that carries one. A `TsgateError` is a sentence for the user: its message says what was
 * wrong, where, and what to do, and no stack of ours is ever shown with it. An error of the user's own module
 * travels as its `cause` and keeps the user's own stack.
 */

import path from "node:path";
import { pathToFileURL } from "node:url";

/** Exit codes of the `tsgate` command. */
export const EXIT = {
  stopped: 0,
  error: 1,
  usage: 2,
  workerFailedToBoot: 3,
  applicationFailedToLoad: 4,
  cannotBind: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error that is one sentence for the user and ends the command with `exitCode`. */
export class TsgateError extends Error {
  override readonly name = "TsgateError";
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, options: { exitCode: ExitCode; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode;
  }
}

/** Wrong usage or configuration: exit code 2. */
export function usageError(message: string, cause?: unknown): TsgateError {
  return new TsgateError("USAGE", message, { exitCode: EXIT.usage, cause });
}

/** An error as plain data, so that it can cross a process boundary and keep its stack. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

/** Turns anything thrown into plain data, of bounded length; never throws. */
export function reportError(error: unknown): ErrorReport {
  try {
    if (error instanceof Error) return reportOf(error);
  } catch {
    // Its own properties throw, or cannot be made into text.
  }
  return { name: "Error", message: `a thrown ${typeof error}: ${printable(error)}` };
}

function reportOf(error: Error): ErrorReport {
  const code = (error as NodeJS.ErrnoException).code;
  const message = shortened(error.message);
  // The stack begins with the message, and its frames are worth more.
  const stack =
    typeof error.stack !== "string"
      ? undefined
      : withoutOwnFrames(
          shortened(
            error.stack.replace(error.message, () => message),
            2 * LONGEST_TEXT,
          ),
        );
  return {
    name: shortened(error.name),
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(typeof code === "string" ? { code } : {}),
  };
}

/** The shortest description of anything thrown: its message, or the value itself; of bounded length. Never throws. */
export function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return shortened(error.message);
  } catch {
    // As above.
  }
  return printable(error);
}

/** Whether `error` carries the system error code `code`, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && (error as { code?: unknown }).code === code;
}

/** For the branch of a switch that cannot be reached: fails to compile when a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${printable(value)}`);
}

/** What a process says before it exits must fit into the pipe to its master. */
const LONGEST_TEXT = 16_384;

function shortened(text: unknown, longest = LONGEST_TEXT): string {
  const whole = String(text);
  if (whole.length <= longest) return whole;
  return `${whole.slice(0, longest)}… (${whole.length - longest} characters more)`;
}

function printable(value: unknown): string {
  try {
    return shortened(typeof value === "string" ? value : (JSON.stringify(value) ?? value));
  } catch {
    return described(value);
  }
}

function described(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "[object]";
  }
}

/** Whether a stack shows a place in the user's code: a frame, Python's too, or the source line of a syntax error. */
export function hasUserPlace(stack: string): boolean {
  return /^\s+at /m.test(stack) || /^(?:file:\/\/)?\/.*:\d+$/m.test(stack) || /^ {2}File ".*", line \d+/m.test(stack);
}

/** Drops the frames of Node and of tsgate itself: what is left is the user's. */
function withoutOwnFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !isOwnPlace(placeOf(line)))
    .join("\n")
    .trimEnd();
}

/** Where a frame is: `at place`, `at name (place)`, with or without `async`. Empty for any other line. */
function placeOf(line: string): string {
  const [, inBrackets, alone] = /^\s+at (?:.*? \((.+)\)|(?:async )?(.+))$/.exec(line) ?? [];
  return inBrackets ?? alone ?? "";
}

/**
 * Whether a path or URL is Node's or tsgate's. Under `--enable-source-maps` our frames name the files that our bundles
 * were made from, which are not even there.
 */
export function isOwnPlace(place: string): boolean {
  return place.startsWith("node:") || OWN_FOLDERS.some((folder) => place.startsWith(folder));
}

const ROOT = path.dirname(import.meta.dirname);
const OWN_FOLDERS = ["dist", "src"]
  .map((name) => path.join(ROOT, name, path.sep))
  .flatMap((folder) => [folder, pathToFileURL(folder).href]);
