/** The line to an interpreter beside its requests: one JSON object a line, both ways. Knows who was asked and has not answered. */

import type { Socket } from "node:net";
import type { PythonErrorReport } from "./python-error.ts";

/** What an interpreter says of itself. */
export interface PythonFacts {
  readonly version: string;
  readonly executable: string;
  readonly implementation: string;
  /** The folder of its virtual environment, or null. */
  readonly virtualEnvironment: string | null;
}

export interface SaidFailure {
  readonly failed: "load" | "refused" | "version";
  readonly message?: string;
  readonly version?: string;
  readonly error?: PythonErrorReport;
}

/** What comes while it loads. */
export type Said =
  { readonly hello: PythonFacts; readonly stacksSignal: number } | { readonly loaded: string } | SaidFailure;

export class ControlLine {
  readonly #socket: Socket;
  #pings = 0;
  /** When the oldest ping without an answer was sent. */
  #askedAt: number | undefined;

  constructor(socket: Socket, heard: (said: Said) => void) {
    this.#socket = socket;
    let pending = "";
    socket.setEncoding("utf8");
    // What breaks the line is the end of the interpreter, which is noticed elsewhere.
    socket.on("error", () => {});
    socket.on("data", (text: string) => {
      const lines = (pending + text).split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) {
        const said = parse(line);
        if (said === undefined) continue;
        if ("pong" in said) this.#answered(said.pong);
        else heard(said);
      }
    });
  }

  say(value: unknown): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(value)}\n`);
  }

  /** Asks whether anybody there can answer: false once an answer is due for longer than `patienceMs`. */
  answers(now: number, patienceMs: number): boolean {
    if (this.#askedAt !== undefined) return now - this.#askedAt < patienceMs;
    this.#askedAt = now;
    this.say({ ping: ++this.#pings });
    return true;
  }

  /** Nobody is to answer for `ms` that have passed. */
  postpone(ms: number): void {
    if (this.#askedAt !== undefined) this.#askedAt += ms;
  }

  #answered(ping: number): void {
    if (ping === this.#pings) this.#askedAt = undefined;
  }
}

/** Nothing of what others write there, who find the descriptor. */
function parse(line: string): Said | { readonly pong: number } | undefined {
  try {
    const said = JSON.parse(line) as Said | { readonly pong: number } | null;
    return typeof said === "object" && said !== null ? said : undefined;
  } catch {
    return undefined;
  }
}
