/** The pidfile and the unix socket: there and right while the server lives, gone when it has ended in good order. */

import { readFileSync, statSync } from "node:fs";
import type { TempProject } from "../../support/temp-project.ts";
import { Violation } from "../violation.ts";

export const PIDFILE = "pid";
export const SOCKET = "app.sock";

export function expectFiles(project: TempProject, pid: number, binds: readonly string[]): void {
  const named = Number(readText(project.path(PIDFILE)) ?? Number.NaN);
  if (named !== pid) throw new Violation("pidfile", `the pidfile does not name the master, ${pid}, but ${named}`);
  if (hasPath(binds) && !isSocket(project.path(SOCKET)))
    throw new Violation("socket", "the unix socket is not at its path");
}

/** What a killed server has left at the path is not the business of a later one that is not bound to it. */
export function expectNoFiles(project: TempProject, binds: readonly string[]): void {
  if (readText(project.path(PIDFILE)) !== undefined) throw new Violation("pidfile", "the pidfile was left behind");
  if (hasPath(binds) && isSocket(project.path(SOCKET)))
    throw new Violation("socket", "the unix socket was left behind");
}

function hasPath(binds: readonly string[]): boolean {
  return binds.some((bind) => bind.startsWith("unix:"));
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
