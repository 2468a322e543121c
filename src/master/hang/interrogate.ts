/**
 * Asks a worker whose loop is blocked for its account. The question interrupts whatever JavaScript runs, so that the
 * stack below it is the one that blocks. In an endless chain of ticks or microtasks it may fall between two pieces of the
 * application's code; then the worker watches for the next piece, and is asked again.
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  type Account,
  ACCOUNT_SYMBOL,
  type AccountGiver,
  ASKING_SCRIPT,
  type Frame,
  REQUESTS_TOLD,
  type RequestInFlight,
} from "../../hung-account.ts";
import type { InspectorSession } from "./inspector-session.ts";

const MOST_QUESTIONS = 20;
const PAUSE_MS = 10;

/**
 * Calls `heard` with the first account, with one that names a place in the application if that comes later, and with the
 * same in its sources. Rejects when the worker does not answer, or not any more.
 * @param silentMs since when the master has heard no heartbeat
 */
export async function interrogate(
  session: InspectorSession,
  silentMs: number,
  heard: (account: Account) => void,
): Promise<void> {
  for (let question = 1; question <= MOST_QUESTIONS; question++) {
    const told = await account(session, "tell");
    if (question === 1 || hasUsersFrame(told)) heard(told);
    if (hasUsersFrame(told)) return heard(await account(session, "retell"));
    // What a loop that runs again does next has nothing to do with it.
    if (hasComeBack(told, silentMs)) return;
    await sleep(PAUSE_MS);
  }
}

async function account(session: InspectorSession, what: keyof AccountGiver): Promise<Account> {
  const giver = `process[Symbol.for(${JSON.stringify(ACCOUNT_SYMBOL)})]`;
  const expression = `${giver}.${what}()\n//# sourceURL=${ASKING_SCRIPT}`;
  const params = { expression, returnByValue: true, silent: true };
  const { result } = (await session.call("Runtime.evaluate", params)) as { result?: { value?: unknown } };
  return checked(result?.value);
}

/** Whether it has beaten since the master heard of it last. */
export function hasComeBack({ sinceBeatMs }: Account, silentMs: number): boolean {
  return sinceBeatMs !== null && sinceBeatMs < silentMs - CLOCK_TOLERANCE_MS;
}

/** Between a beat and its arrival. */
const CLOCK_TOLERANCE_MS = 50;

export function hasUsersFrame({ frames }: Account): boolean {
  return frames.some(({ isUsers }) => isUsers);
}

/** The application shares the process with the function that answers: nothing is taken on trust but what goes into the log. */
function checked(value: unknown): Account {
  const { frames, inFlight, requests, sinceBeatMs } = (value ?? {}) as Partial<Record<keyof Account, unknown>>;
  if (!Array.isArray(frames) || !Array.isArray(requests)) throw new Error("its account of itself failed");
  return {
    frames: frames.filter(isFrame).slice(0, MOST_FRAMES),
    inFlight: typeof inFlight === "number" ? inFlight : requests.length,
    requests: requests
      .filter(isRequest)
      .slice(0, REQUESTS_TOLD)
      .map(({ method, path, ageMs }) => ({ method, path, ageMs })),
    sinceBeatMs: typeof sinceBeatMs === "number" ? sinceBeatMs : null,
  };
}

const MOST_FRAMES = 64;

function isFrame(value: unknown): value is Frame {
  const { name, function: own, file, line, column } = (value ?? {}) as Partial<Frame>;
  return [name, own, file].every(isText) && [line, column].every((number) => typeof number === "number");
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isRequest(value: unknown): value is RequestInFlight {
  const { method, path, ageMs } = (value ?? {}) as Partial<RequestInFlight>;
  return typeof method === "string" && typeof path === "string" && typeof ageMs === "number";
}
