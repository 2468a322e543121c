/** What an examination has found, as the fields of a log record. Pure. */

import type { Frame } from "../../hung-account.ts";
import type { LogFields } from "../../logger.ts";
import type { Examination } from "./examine.ts";
import { hasComeBack } from "./interrogate.ts";
import { isStarved } from "./patience.ts";
import type { ProcessFacts } from "./process-facts.ts";

/**
 * `found` says in words what the worker is at; `function`, `file`, `line` and `stack` name the place in the application;
 * `requests` are those in flight, the oldest first; `process` is what the operating system knows.
 */
export function findings(examination: Examination): LogFields {
  const { silentMs, askedMs, account, facts, cpuMsSinceBeat } = examination;
  const place = account?.frames.find(({ isUsers, file }) => isUsers && file !== "");
  return {
    silentMs: Math.round(silentMs),
    askedMs: Math.round(askedMs),
    found: found(examination),
    ...(place === undefined ? {} : { function: place.function, file: place.file, line: place.line }),
    ...(account === undefined || account.frames.length === 0 ? {} : { stack: stackText(account.frames) }),
    ...(account === undefined ? {} : { inFlight: account.inFlight, requests: account.requests }),
    ...(facts === undefined ? {} : { process: processFields(facts, cpuMsSinceBeat) }),
  };
}

/** Frames as V8 writes them, those of the application alone if there are any. */
export function stackText(frames: readonly Frame[]): string {
  const users = frames.filter(({ isUsers }) => isUsers);
  return (users.length > 0 ? users : frames).map((frame) => `    at ${frameText(frame)}`).join("\n");
}

function frameText({ name, file, line, column, isUsers }: Frame): string {
  // The name of code that was made by eval says where.
  if (file === "" && isUsers) return name;
  const place = file === "" ? "<anonymous>" : `${file}:${line}:${column}`;
  return name === "" ? place : `${name} (${place})`;
}

function found({ account, obstacle, facts, silentMs, cpuMsSinceBeat, times }: Examination): string {
  const doing = facts === undefined ? "nothing is known of its process" : describeProcess(facts, cpuMsSinceBeat);
  if (account === undefined) {
    if (obstacle !== undefined) return `its stack cannot be asked for: ${obstacle}; ${doing}`;
    return isStarved(times)
      ? `it had no time to answer: for ${Math.round(times.waitedMs)} of ${Math.round(times.elapsedMs)} ms others had the processors; ${doing}`
      : `in native code or a system call: ${doing}`;
  }
  const stack = describeStack(account.frames);
  if (hasComeBack(account, silentMs))
    return `its event loop ran again in between${stack === undefined ? "" : `; now ${stack}`}`;
  return stack ?? `in JavaScript that is none of the application's: ${doing}`;
}

function describeStack(frames: readonly Frame[]): string | undefined {
  const [top] = frames;
  const place = frames.find(({ isUsers }) => isUsers);
  if (top === undefined || place === undefined) return undefined;
  const at = frameText(place);
  return top === place ? `in JavaScript, at ${at}` : `in ${top.name || top.file}, called at ${at}`;
}

/** The kernel's letters for what a process does, in words. */
const STATES: Readonly<Record<string, string>> = {
  R: "it uses a processor or waits for one",
  S: "it sleeps",
  D: "it waits for a device",
  T: "it is stopped (SIGSTOP)",
  t: "it is stopped by a debugger",
  Z: "it has ended",
};

function describeProcess({ state, wchan, children }: ProcessFacts, cpuMsSinceBeat: number | undefined): string {
  const doing = STATES[state] ?? `its state is ${state}`;
  const where = wchan === undefined ? doing : `${doing} in ${wchan}`;
  const cpu = cpuMsSinceBeat === undefined ? [] : [`${Math.max(0, cpuMsSinceBeat)} ms of CPU since its last heartbeat`];
  const started = children.map(({ pid, command }) => `child process ${pid} (${command})`);
  return [where, ...cpu, ...started].join(", ");
}

function processFields(
  { state, wchan, syscall, children }: ProcessFacts,
  cpuMsSinceBeat: number | undefined,
): LogFields {
  return {
    state,
    ...(wchan === undefined ? {} : { wchan }),
    ...(syscall === undefined ? {} : { syscall }),
    ...(cpuMsSinceBeat === undefined ? {} : { cpuMsSinceBeat: Math.max(0, cpuMsSinceBeat) }),
    children,
  };
}
