/** The pidfile and the unix socket: there and right while the server lives, gone when it has ended in good order. */

import { readFileSync, statSync } from "node:fs";
import type { TempProject } from "../../support/temp-project.ts";
import { Violation } from "../violation.ts";

export const PIDFILE = "pid";
export const SOCKET = "app.sock";

export function expectFiles(project: TempProject, pid: number, binds: readonly string[]): void {
  const named = Number(readText(project.path(PIDFILE)) ?? Number.NaN);
  if (named !== pid) throw new Violation("pidfile", `the pidfile does not name the master, ${pid}, but ${named}`);
  if (binds.some((bind) => bind.startsWith("unix:")) && !isSocket(project.path(SOCKET)))
    throw new Violation("socket", "the unix socket is not at its path");
}

export function expectNoFiles(project: TempProject): void {
  if (readText(project.path(PIDFILE)) !== undefined) throw new Violation("pidfile", "the pidfile was left behind");
  if (isSocket(project.path(SOCKET))) throw new Violation("socket", "the unix socket was left behind");
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function isSocket(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isSocket() === true;
}
