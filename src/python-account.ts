/**
 * What a worker tells of its Python interpreters when the master asks: where each thread is, and which requests they are
 * at. Both sides share this file.
 */

import type { RequestInFlight } from "./hung-account.ts";

/** Frames innermost first; those of tsgate itself are left out. */
export interface PythonThread {
  readonly frames: readonly PythonFrame[];
}

export interface PythonFrame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

export interface PythonAccount {
  readonly application: string;
  readonly pid: number;
  /** Null where it did not tell, as one that is stopped. */
  readonly threads: readonly PythonThread[] | null;
  /** How many threads wait for a request. */
  readonly idle: number;
  /** How many wait at a request for its client, or send to it. */
  readonly withClient: number;
  /** Those that it is at. */
  readonly requests: readonly RequestInFlight[];
}

const MOST_TOLD = 200;

/** Whether a worker has told that: its application shares the process and may say anything. */
export function arePythonAccounts(value: unknown): value is readonly PythonAccount[] {
  return isList(value, (one) => {
    const { application, pid, threads, idle, withClient, requests } = one as Partial<PythonAccount>;
    if (typeof application !== "string" || ![pid, idle, withClient].every(isNumber)) return false;
    if (threads !== null && !isList(threads, (thread) => isList((thread as Partial<PythonThread>).frames, isFrame)))
      return false;
    return isList(requests, isRequest);
  });
}

function isFrame(value: object): boolean {
  const { function: name, file, line } = value as Partial<PythonFrame>;
  return typeof name === "string" && typeof file === "string" && isNumber(line);
}

function isRequest(value: object): boolean {
  const { method, path, ageMs } = value as Partial<RequestInFlight>;
  return typeof method === "string" && typeof path === "string" && isNumber(ageMs);
}

function isList(value: unknown, isOne: (one: object) => boolean): boolean {
  if (!Array.isArray(value) || value.length > MOST_TOLD) return false;
  return value.every((one) => typeof one === "object" && one !== null && isOne(one as object));
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}
