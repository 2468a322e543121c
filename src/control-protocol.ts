/**
 * What is spoken on the control socket: one JSON object a line. A request names a command and its arguments; the reply
 * is the last line, `{"ok":true,…}` or `{"ok":false,"error":"…"}`, and progress comes as lines before it. Both ends
 * share this file; it knows no socket.
 */

export const CONTROL_VERSION = 1;

/** No line is longer: a status of a thousand workers fits. */
export const LONGEST_LINE = 4 * 1024 ** 2;
/** A request is short. */
export const LONGEST_REQUEST = 4096;

export type ControlCommand =
  | { readonly cmd: "status" }
  | { readonly cmd: "reload"; readonly wait: boolean }
  | { readonly cmd: "stop"; readonly quick: boolean }
  | { readonly cmd: "scale"; readonly workers: number }
  | { readonly cmd: "kill"; readonly slot: number }
  | { readonly cmd: "stack"; readonly slot: number }
  | { readonly cmd: "config" }
  | { readonly cmd: "reopen-logs" };

export type ControlName = ControlCommand["cmd"];

/** The last line of an answer. */
export type ControlReply =
  | ({ readonly ok: true } & Readonly<Record<string, unknown>>)
  | { readonly ok: false; readonly error: string; readonly stack?: string };

/** How far a reload is. */
export interface ReloadProgress {
  readonly generation: number;
  /** `reading`: configuration and module are looked at; `canary`: its first worker boots; `rolling`: it takes over. */
  readonly stage: "reading" | "canary" | "rolling";
  /** Workers of the new generation that are ready, of `target`. */
  readonly ready: number;
  readonly target: number;
}

/** The line of a request, with its line feed. */
export function formatRequest({ cmd, ...args }: ControlCommand): string {
  return `${JSON.stringify({ v: CONTROL_VERSION, cmd, args })}\n`;
}

/** Reads the line of a request; a text is the sentence about what is wrong with it. */
export function parseRequest(line: string): ControlCommand | string {
  const request = objectIn(line);
  if (request === undefined) return "a request is one JSON object a line";
  const { v, cmd } = request;
  if (v !== CONTROL_VERSION)
    return `this server speaks version ${CONTROL_VERSION} of the protocol, the request says ${text(v)}`;
  const args = request["args"] ?? {};
  if (typeof args !== "object" || args === null || Array.isArray(args)) return "args must be an object";
  if (typeof cmd !== "string" || !Object.hasOwn(COMMANDS, cmd)) return `there is no command ${text(cmd)}`;
  const name = cmd as ControlName;
  const known = COMMANDS[name];
  for (const key of Object.keys(args)) if (!(key in known)) return `${cmd} has no argument ${text(key)}`;
  const values: Record<string, unknown> = {};
  for (const [key, { fits, wanted, usual }] of Object.entries(known)) {
    const value = (args as Readonly<Record<string, unknown>>)[key] ?? usual;
    if (!fits(value)) return `${cmd}: ${key} must be ${wanted}, not ${text(value)}`;
    values[key] = value;
  }
  return { cmd: name, ...values } as ControlCommand;
}

/** The object that a line holds, or undefined. */
export function objectIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

interface Argument {
  readonly fits: (value: unknown) => boolean;
  readonly wanted: string;
  readonly usual?: unknown;
}

const flag: Argument = { fits: (value) => typeof value === "boolean", wanted: "true or false", usual: false };
const whole = (least: number, most: number): Argument => ({
  fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  wanted: `a whole number from ${least} to ${most}`,
});

/** The most workers that can be asked for, as for `--workers`. */
const MOST_WORKERS = 4096;

const COMMANDS: { readonly [Name in ControlName]: Readonly<Record<string, Argument>> } = {
  status: {},
  reload: { wait: flag },
  stop: { quick: flag },
  scale: { workers: whole(1, MOST_WORKERS) },
  kill: { slot: whole(0, MOST_WORKERS) },
  stack: { slot: whole(0, MOST_WORKERS) },
  config: {},
  "reopen-logs": {},
};

function text(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 100);
}
