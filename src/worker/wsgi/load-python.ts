/**
 * Starts the interpreter of a WSGI application, as the worker's settings say, and makes of it an application like any
 * other: with a life, a line for the log, and a watch over its silence.
 */

import { statSync } from "node:fs";
import path from "node:path";
import { reportError } from "../../errors.ts";
import { type Environ, withoutQuery } from "../../gateway/index.ts";
import type { ApplicationOrder, BootOrder } from "../../boot-order.ts";
import type { PythonOrder } from "./python-order.ts";
import { saneRequestId } from "../../request-id.ts";
import { version } from "../../version.ts";
import { log } from "../channel.ts";
import type { PythonApplication } from "../load-application.ts";
import { BodyBudget } from "./body-budget.ts";
import type { PythonFacts } from "./control-line.ts";
import { type HostEvents, PythonHost } from "./python-host.ts";
import { stackText } from "./python-stacks.ts";

/** A reply's pieces that Python may send before the client has taken them, and a body's that it is given at once. */
const WINDOW_BYTES = 1_048_576;
/** Of all requests that wait in this worker, whatever application they are for. */
const BODIES = new BodyBudget(67_108_864);
/** What an interpreter gets to leave by itself, once nothing is in flight. */
const QUIT_MS = 5000;

/** @throws TsgateError exit 4; an error of the application's own is its cause, with its traceback */
export async function loadPython(order: Omit<ApplicationOrder, "mount"> & BootOrder): Promise<PythonApplication> {
  const events: HostEvents = {
    wrote: (text, environ) => log("error", "wsgi.errors", { ...nameOf(environ), text }),
    failedLate: (error, environ) =>
      log("error", "application error", { ...nameOf(environ), error: reportError(error) }),
  };
  const host = new PythonHost(pythonOrder(order), events, BODIES);
  const late = setTimeout(() => void tellLate(host, order.python.lateMs), order.python.lateMs);
  try {
    await host.start();
  } finally {
    clearTimeout(late);
  }
  setInterval(() => void host.look(), order.heartbeatMs).unref();
  const { facts, found } = host.interpreter ?? { facts: undefined, found: "" };
  return {
    interface: "wsgi",
    application: host.application,
    upgrade: undefined,
    python: host,
    found: facts === undefined ? found : `${found}, ${describe(facts)}`,
    lifecycle: { shutdown: () => host.quit(QUIT_MS) },
  };
}

function pythonOrder({
  app,
  factory,
  appArgs,
  python,
  validate,
  multiprocess,
  heartbeatMs,
}: Omit<ApplicationOrder, "mount"> & BootOrder): PythonOrder {
  const { module, attribute } = app.python ?? { module: app.text, attribute: "application" };
  return {
    text: app.text,
    executable: executableOf(python.executable),
    module,
    attribute,
    factory,
    args: appArgs,
    chdir: process.cwd(),
    path: python.path,
    threads: python.threads,
    multiprocess,
    windowBytes: WINDOW_BYTES,
    timeoutMs: python.timeoutMs,
    lookEveryMs: heartbeatMs,
    validate,
    software: `tsgate/${version()}`,
  };
}

/** The folder of a virtual environment stands for the interpreter in it. */
function executableOf(asked: string | undefined): string {
  const place = asked ?? process.env["VIRTUAL_ENV"];
  if (place === undefined || place === "") return "python3";
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder || asked === undefined ? path.join(place, "bin", "python") : place;
}

function describe({ version, executable, implementation, virtualEnvironment }: PythonFacts): string {
  const name = implementation === "cpython" ? "Python" : implementation;
  const place = virtualEnvironment === null ? "no virtual environment" : `virtual environment ${virtualEnvironment}`;
  return `${name} ${version} (${executable}), ${place}`;
}

async function tellLate({ interpreter }: PythonHost, waitedMs: number): Promise<void> {
  const { threads } = (await interpreter?.stacks()) ?? { threads: [] };
  log("warn", "application is late", { waitedMs, found: "the import has not ended", stack: stackText(threads) });
}

function nameOf(environ: Environ | undefined): Readonly<Record<string, unknown>> {
  if (environ === undefined) return {};
  const { REQUEST_METHOD: method, REQUEST_URI: target, HTTP_X_REQUEST_ID: id } = environ;
  return { method, path: withoutQuery(target), requestId: saneRequestId(id) };
}
