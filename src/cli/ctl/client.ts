/** The client's end of the control socket: one request, progress as it comes, one reply. */

import net from "node:net";
import {
  type ControlCommand,
  type ControlReply,
  formatRequest,
  LONGEST_LINE,
  objectIn,
} from "../../control-protocol.ts";
import { EXIT, hasCode, messageOf, TsgateError } from "../../errors.ts";
import { LineReader } from "../../line-reader.ts";

/** How long a server may take for its first word; what it does after that may take as long as it takes. */
const PATIENCE_MS = 10_000;

export class ControlClient {
  readonly #socket: net.Socket;
  readonly #lines: Readonly<Record<string, unknown>>[] = [];
  readonly #wakes: (() => void)[] = [];
  #isOver = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    const reader = new LineReader(LONGEST_LINE);
    socket.setEncoding("utf8").on("data", (text: string) => {
      for (const line of reader.push(text) ?? []) this.#lines.push(objectIn(line) ?? {});
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** @throws TsgateError exit 1 that says why nobody answers at `path` */
  static async connect(path: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ path });
      socket.once("connect", () => resolve(new ControlClient(socket)));
      socket.once("error", (error) => reject(cannotConnect(path, error)));
    });
  }

  /** Asks, and calls `progress` with each line before the last. Throws when the server goes away without an answer. */
  async ask(
    command: ControlCommand,
    progress: (line: Readonly<Record<string, unknown>>) => void,
  ): Promise<ControlReply> {
    this.#socket.write(formatRequest(command));
    let isTooLate = false;
    const giveUp = (): void => {
      isTooLate = true;
      this.#socket.destroy();
    };
    const patience = setTimeout(giveUp, PATIENCE_MS);
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line === undefined) {
          if (this.#isOver) throw failed(isTooLate ? "the server does not answer" : "the server has gone");
          await this.#somethingNew();
          continue;
        }
        clearTimeout(patience);
        if ("ok" in line) return line as unknown as ControlReply;
        progress(line);
      }
    } finally {
      clearTimeout(patience);
    }
  }

  /** Resolves when the server has gone. */
  async gone(): Promise<void> {
    while (!this.#isOver) await this.#somethingNew();
  }

  async #somethingNew(): Promise<void> {
    return new Promise((resolve) => this.#wakes.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** What was asked for was not done. */
export function failed(message: string): TsgateError {
  return new TsgateError("NOT_DONE", message, { exitCode: EXIT.error });
}

function cannotConnect(path: string, error: unknown): TsgateError {
  if (hasCode(error, "ENOENT"))
    return failed(`there is no control socket at ${path}; was the server started with --control-socket?`);
  if (hasCode(error, "ECONNREFUSED")) return failed(`no server listens at ${path} any more`);
  if (hasCode(error, "EACCES")) return failed(`no permission for ${path}: it is its server's owner's alone`);
  return failed(`cannot connect to ${path}: ${messageOf(error)}`);
}
