/** Why an interpreter does not come to serve its application, in one sentence: exit 4, the application's own error behind it. */

import { EXIT, TsgateError } from "../../errors.ts";
import type { PythonOrder } from "./python-order.ts";
import type { SaidFailure } from "./control-line.ts";
import { type PythonEnd, endText } from "./python-end.ts";
import { PythonError } from "./python-error.ts";

/** By its own word. */
export function saidFailure(order: PythonOrder, { failed, message, version, error }: SaidFailure): TsgateError {
  if (failed !== "version") return failure(order, message ?? "", error && new PythonError(error));
  return failure(
    order,
    `needs Python 3.9 or later, and ${order.executable} is Python ${version}; name another (--python)`,
  );
}

/** @param isPython it has said what it is */
export function endedWhileLoading(order: PythonOrder, end: PythonEnd, isPython: boolean): TsgateError {
  const how = endText(end);
  if (!isPython) {
    const problem = `needs Python, and ${order.executable} is none, or does not run: ${how}; name one with --python`;
    return failure(order, problem);
  }
  const cause = new PythonError({ name: "InterpreterGone", message: how, traceback: end.lastWords });
  return failure(order, `ended its interpreter while it was loading: ${how}`, end.lastWords === "" ? undefined : cause);
}

export function cannotStart(order: PythonOrder, error: NodeJS.ErrnoException): TsgateError {
  const why = error.code === "ENOENT" ? "there is no such program" : error.message;
  return failure(order, `needs Python, and ${order.executable} cannot be started: ${why}; name one with --python`);
}

function failure(order: PythonOrder, problem: string, cause?: Error): TsgateError {
  return new TsgateError("APP_FAILED", `application ${order.text} ${problem}`, {
    exitCode: EXIT.applicationFailedToLoad,
    cause,
  });
}
