/** An interpreter that is hung or has ended, as the worker tells it and as the requests that it was at are failed. Pure. */

import type { RequestInFlight } from "../../hung-account.ts";
import type { LogFields } from "../../logger.ts";
import type { PythonFailureKind } from "../../messages.ts";
import { endText, type PythonEnd } from "./python-end.ts";
import { PythonError } from "./python-error.ts";
import { findPlace, parseStacks, type PythonStacks, stackText } from "./python-stacks.ts";

export interface PythonFailure {
  readonly how: PythonFailureKind;
  /** For the log. */
  readonly facts: LogFields;
  readonly error: Error;
}

/** What is known of an interpreter when it fails. */
export interface FailedPython {
  readonly application: string;
  readonly interpreterPid: number | undefined;
  /** Those that it was at. */
  readonly requests: readonly RequestInFlight[];
}

export function hungFailure(python: FailedPython, silentMs: number, stacks: PythonStacks | undefined): PythonFailure {
  const threads = stacks?.threads ?? [];
  const found = findPlace(threads);
  const words = found === undefined ? "its Python gave no stack" : `in Python, ${found.words}`;
  const facts = {
    silentMs: Math.round(silentMs),
    ...about(python),
    found: words,
    ...found?.place,
    stack: stackText(threads),
  };
  return { how: "hung", facts, error: goneError("was killed, because it was hung", "") };
}

export function deathFailure(python: FailedPython, end: PythonEnd): PythonFailure {
  const { threads } = parseStacks(end.lastWords);
  const found = findPlace(threads);
  const how = `ended: ${endText(end)}`;
  const words = found === undefined ? `its Python ${how}` : `its Python ${how}, ${found.words}`;
  const { code, signal } = end;
  const stack = threads.length === 0 ? {} : { stack: stackText(threads) };
  const facts = { ...about(python), code, signal, found: words, ...found?.place, ...stack };
  return { how: "interpreter died", facts, error: goneError(how, end.lastWords) };
}

function about({ requests, ...known }: FailedPython): LogFields {
  return { ...known, inFlight: requests.length, requests };
}

function goneError(how: string, lastWords: string): PythonError {
  const message = `the Python interpreter ${how}`;
  const traceback = [`InterpreterGone: ${message}`, lastWords].filter((text) => text !== "").join("\n");
  return new PythonError({ name: "InterpreterGone", message, traceback });
}
