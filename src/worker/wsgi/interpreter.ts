/**
 * One Python interpreter, a child of this worker: started, told what to load, asked for its stacks, ended. Nothing is
 * served here; whoever holds it gives calls to its channels.
 */

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";
import type { PythonOrder } from "./python-order.ts";
import { ControlLine, type PythonFacts, type Said } from "./control-line.ts";
import { cannotStart, endedWhileLoading, saidFailure } from "./load-failure.ts";
import type { PythonEnd } from "./python-end.ts";
import { parseStacks, type PythonStacks } from "./python-stacks.ts";
import { StackDumps } from "./stack-dumps.ts";
import { type ChannelEvents, ThreadChannel } from "./thread-channel.ts";

const START = path.join(import.meta.dirname, "python", "start.py");
/** How long what it has still written is read after its end, while processes that it has forked keep its descriptors. */
const CLOSE_MS = 200;

export class Interpreter {
  readonly channels: readonly ThreadChannel[];
  readonly control: ControlLine;
  /** Resolves when its process has ended. */
  readonly ended: Promise<PythonEnd>;
  facts: PythonFacts | undefined;
  /** In words what it serves. */
  found = "";
  readonly #order: PythonOrder;
  readonly #child: ChildProcess;
  readonly #dumps: StackDumps;
  #stacksSignal = 0;
  #loaded: (failure: Error | undefined) => void = () => {};

  constructor(order: PythonOrder, events: ChannelEvents) {
    this.#order = order;
    const pipes = Array.from({ length: 2 + order.threads }, () => "pipe" as const);
    this.#child = spawn(order.executable, [START, order.text], { stdio: ["ignore", "inherit", "inherit", ...pipes] });
    const stdio = this.#child.stdio as unknown as readonly Socket[];
    this.control = new ControlLine(stdio[3] as Socket, (said) => this.#heard(said));
    this.#dumps = new StackDumps(stdio[4] as Socket);
    const { pid = 0 } = this.#child;
    this.channels = stdio.slice(5).map((socket) => new ThreadChannel(socket, order.windowBytes, events, pid));
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#loaded(cannotStart(order, error));
        resolve({ code: null, signal: null, lastWords: "" });
      });
      this.#child.once("exit", (code, signal) => {
        const end = (): void => {
          for (const socket of stdio.slice(3)) socket.destroy();
          resolve({ code, signal, lastWords: this.#dumps.rest });
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
      void this.ended.then((end) => this.#loaded(endedWhileLoading(order, end, this.facts !== undefined)));
      this.control.say({
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

  /** What its threads are at. It can be asked whatever holds the interpreter; undefined where it says nothing, or has ended. */
  async stacks(): Promise<PythonStacks | undefined> {
    const { exitCode, signalCode } = this.#child;
    if (this.#stacksSignal === 0 || exitCode !== null || signalCode !== null) return undefined;
    const text = await this.#dumps.ask(() => isSent(this.pid, this.#stacksSignal));
    return text === "" ? undefined : parseStacks(text);
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

  #heard(said: Said): void {
    if ("hello" in said) {
      this.facts = said.hello;
      this.#stacksSignal = said.stacksSignal;
    } else if ("loaded" in said) {
      this.found = said.loaded;
      this.#loaded(undefined);
    } else {
      this.#loaded(saidFailure(this.#order, said));
    }
  }
}

/** Whether there was a process to take the signal. */
function isSent(pid: number | undefined, signal: number): boolean {
  if (pid === undefined) return false;
  try {
    // Not by the child's own method, which knows no real-time signals.
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

const RESIDENT = /^VmRSS:\s*(\d+) kB$/m;
