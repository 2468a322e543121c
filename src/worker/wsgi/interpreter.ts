/**
 * One Python interpreter, a child of this worker: started, told what to load, asked for its stacks, ended. Nothing is
 * served here; whoever holds it gives calls to its channels.
 */

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";
import type { Readable } from "node:stream";
import { EXIT, TsgateError } from "../../errors.ts";
import type { PythonOrder } from "../../messages.ts";
import { parseStacks, type PythonThread } from "./python-stacks.ts";
import { PythonError, type PythonErrorReport } from "./python-error.ts";
import { type ChannelEvents, ThreadChannel } from "./thread-channel.ts";

const START = path.join(import.meta.dirname, "python", "start.py");
/** How long a dump of stacks may take, and how long nothing more has to come for it to be whole. */
const STACKS_MS = 2000;
const STACKS_QUIET_MS = 100;
/** How long what it has still written is read after its end, while processes that it has forked keep its descriptors. */
const CLOSE_MS = 200;

/** What an interpreter says of itself. */
export interface PythonFacts {
  readonly version: string;
  readonly executable: string;
  readonly implementation: string;
  /** The folder of its virtual environment, or null. */
  readonly virtualEnvironment: string | null;
}

/** How an interpreter has ended. */
export interface PythonEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it wrote of its stacks at its end, when it crashed. */
  readonly lastWords: string;
}

export class Interpreter {
  readonly channels: readonly ThreadChannel[];
  /** Resolves when its process has ended. */
  readonly ended: Promise<PythonEnd>;
  facts: PythonFacts | undefined;
  /** In words what it serves. */
  found = "";
  readonly #order: PythonOrder;
  readonly #child: ChildProcess;
  readonly #control: Socket;
  #stacksSignal = 0;
  #words = "";
  #lastWordAt = 0;
  #pings = 0;
  #pongs = 0;
  /** When the oldest ping without an answer was sent. */
  #askedAt: number | undefined;
  #loaded: (failure: Error | undefined) => void = () => {};

  constructor(order: PythonOrder, events: ChannelEvents) {
    this.#order = order;
    const pipes = Array.from({ length: 2 + order.threads }, () => "pipe" as const);
    this.#child = spawn(order.executable, [START, order.text], { stdio: ["ignore", "inherit", "inherit", ...pipes] });
    const stdio = this.#child.stdio as unknown as readonly Socket[];
    this.#control = stdio[3] as Socket;
    this.channels = stdio.slice(5).map((socket) => new ThreadChannel(socket, order.windowBytes, events));
    this.#hear(stdio[4] as Socket);
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#loaded(cannotStart(order, error));
        resolve({ code: null, signal: null, lastWords: "" });
      });
      this.#child.once("exit", (code, signal) => {
        const end = (): void => {
          for (const socket of stdio.slice(3)) socket.destroy();
          resolve({ code, signal, lastWords: this.#words });
        };
        // The turn of reading comes once more, even where this process has been late.
        const timer = setTimeout(() => setImmediate(end), CLOSE_MS);
        this.#child.once("close", () => {
          clearTimeout(timer);
          end();
        });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Its resident memory in bytes; 0 when that is not known. */
  get rssBytes(): number {
    try {
      const [, size] = RESIDENT.exec(fs.readFileSync(`/proc/${this.pid}/status`, "latin1")) ?? [];
      return Number(size ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  /** Resolves when the application has loaded. Rejects with what keeps it from that. */
  async load(): Promise<void> {
    const order = this.#order;
    await new Promise<void>((resolve, reject) => {
      this.#loaded = (failure) => (failure === undefined ? resolve() : reject(failure));
      this.#listen();
      void this.ended.then(({ code, signal, lastWords }) => {
        const how = signal === null ? `exit code ${code ?? "unknown"}` : signal;
        const error = new PythonError({ name: "InterpreterGone", message: how, traceback: lastWords });
        this.#loaded(failure(order, `ended its interpreter while it was loading: ${how}`, lastWords && error));
      });
      this.#say({
        module: order.module,
        attribute: order.attribute,
        factory: order.factory,
        args: order.args,
        chdir: order.chdir,
        path: order.path,
        threads: order.threads,
        multiprocess: order.multiprocess,
        window: order.windowBytes,
        validate: order.validate,
        software: order.software,
      });
    });
  }

  /** Asks whether anybody there can answer: false once an answer is due for longer than `patienceMs`. */
  answers(patienceMs: number): boolean {
    if (this.#askedAt !== undefined) return performance.now() - this.#askedAt < patienceMs;
    this.#askedAt = performance.now();
    this.#say({ ping: ++this.#pings });
    return true;
  }

  /** What its threads are at. It can be asked whatever holds the interpreter; nothing where it has ended. */
  async stacks(): Promise<readonly PythonThread[]> {
    const { exitCode, signalCode } = this.#child;
    if (this.#stacksSignal === 0 || this.pid === undefined || exitCode !== null || signalCode !== null) return [];
    this.#words = "";
    const askedAt = performance.now();
    this.#lastWordAt = askedAt;
    if (!isSent(this.pid, this.#stacksSignal)) return [];
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const now = performance.now();
      const isWhole = this.#words !== "" && now - this.#lastWordAt > STACKS_QUIET_MS;
      if (isWhole || now - askedAt > STACKS_MS) break;
    }
    const words = this.#words;
    this.#words = "";
    return parseStacks(words);
  }

  /** Lets it finish what it is at and leave; killed when that takes longer than `ms`. */
  async quit(ms: number): Promise<void> {
    for (const channel of this.channels) channel.close();
    const timer = setTimeout(() => this.kill(), ms);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #say(value: unknown): void {
    if (this.#control.writable) this.#control.write(`${JSON.stringify(value)}\n`);
  }

  #listen(): void {
    let pending = "";
    this.#control.setEncoding("utf8");
    this.#control.on("error", () => {});
    this.#control.on("data", (text: string) => {
      const lines = (pending + text).split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) this.#heard(JSON.parse(line) as Said);
    });
  }

  #heard(said: Said): void {
    if ("hello" in said) {
      this.facts = said.hello;
      this.#stacksSignal = said.stacksSignal;
    } else if ("loaded" in said) {
      this.found = said.loaded;
      this.#loaded(undefined);
    } else if ("pong" in said) {
      this.#pongs = said.pong;
      if (this.#pongs === this.#pings) this.#askedAt = undefined;
    } else {
      this.#loaded(failureSaid(this.#order, said));
    }
  }

  #hear(stacks: Readable): void {
    stacks.on("error", () => {});
    stacks.on("data", (data: Buffer) => {
      this.#lastWordAt = performance.now();
      if (this.#words.length < MOST_WORDS) this.#words += data.toString("utf8");
    });
  }
}

type Said =
  | { readonly hello: PythonFacts; readonly stacksSignal: number }
  | { readonly loaded: string }
  | { readonly pong: number }
  | SaidFailure;

interface SaidFailure {
  readonly failed: "load" | "refused" | "version";
  readonly message?: string;
  readonly version?: string;
  readonly error?: PythonErrorReport;
}

/** Whether there was a process to take the signal. */
function isSent(pid: number, signal: number): boolean {
  try {
    // Not by the child's own method, which knows no real-time signals.
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function failureSaid(order: PythonOrder, { failed, message, version, error }: SaidFailure): TsgateError {
  if (failed !== "version") return failure(order, message ?? "", error && new PythonError(error));
  return failure(
    order,
    `needs Python 3.9 or later, and ${order.executable} is Python ${version}; name another (--python)`,
  );
}

function failure(order: PythonOrder, problem: string, cause?: unknown): TsgateError {
  return new TsgateError("APP_FAILED", `application ${order.text} ${problem}`, {
    exitCode: EXIT.applicationFailedToLoad,
    cause: cause === "" ? undefined : cause,
  });
}

function cannotStart(order: PythonOrder, error: NodeJS.ErrnoException): TsgateError {
  const why = error.code === "ENOENT" ? "there is no such program" : error.message;
  return failure(order, `needs Python, and ${order.executable} cannot be started: ${why}; name one with --python`);
}

const MOST_WORDS = 65_536;
const RESIDENT = /^VmRSS:\s*(\d+) kB$/m;
