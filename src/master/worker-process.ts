/**
 * One worker's process, seen from the master: forked with node:cluster, spoken to with orders, its reports and its end
 * turned into events. Holds no state of the pool.
 */

import type { ChildProcess } from "node:child_process";
import cluster, { type Worker } from "node:cluster";
import dgram from "node:dgram";
import net from "node:net";
import type { Duplex, Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { monotonicNow } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import { RELAY_FD } from "../hung-account.ts";
import { inspectorOptions } from "../inspector-arguments.ts";
import type { Introduction, Order, Report } from "../messages.ts";
import { type RawHandle, sendHandle } from "../node-handles.ts";
import { settledWithin } from "../settled-within.ts";
import type { Listener } from "./listeners.ts";
import type { OutputLine } from "./output-lines.ts";
import { OutputPump } from "./output-pump.ts";

/** What is told of a worker's process. */
export interface WorkerEvents {
  /** `handle` is that of a connection which it offers: whoever hears of it has to close it. */
  reported(id: number, report: Report, handle?: RawHandle): void;
  exited(id: number, code: number | null, signal: string | null): void;
  /** It lives, and can be told nothing more: its application has closed the channel. */
  disconnected(id: number): void;
  /** It has written a line; only of one whose output is captured, and before its end is told. */
  wrote(id: number, stream: OutputStream, line: OutputLine): void;
}

export type OutputStream = "stdout" | "stderr";

export interface ForkOptions {
  /** The worker's entry file. */
  readonly entry: string;
  readonly nodeArgs: readonly string[];
  /** Where it runs; undefined for the master's own directory. */
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its standard output and error come to the master. */
  readonly capturesOutput: boolean;
}

/** Standard streams as the master has them, the channel, and at `RELAY_FD` the pipe past the event loop. */
const STDIO = ["inherit", "inherit", "inherit", "ipc", "pipe"];
/** The descriptor by which a worker whose output is captured has the server's own standard output. */
export const SERVER_STDOUT = 5;
const CAPTURING_STDIO = ["inherit", "pipe", "pipe", "ipc", "pipe", 1];

/** How long the last messages of a process that has ended are waited for. */
const LAST_WORDS_MS = 1000;
/** Its output is told when no line has come for so long: what it has started may hold that open. */
const LAST_LINES_MS = 200;
/** What it has started may go on writing, too. */
const LAST_LINES_AT_MOST_MS = 3000;
/** How long a process whose channel has ended gets to end as well: hardly any lives on. */
const FOLLOWS_MS = 250;

/** All workers share it: what one writes must not keep the others from being read. */
export const outputPump = new OutputPump();

export class WorkerProcess {
  readonly id: number;
  readonly pid: number;
  /** Undefined when it could not be forked. */
  readonly #worker: Worker | undefined;
  /** What happened before anybody listened, in order. */
  readonly #unheard: ((events: WorkerEvents) => void)[] = [];
  #events: WorkerEvents | undefined;

  constructor(options: ForkOptions) {
    // Round robin costs twice the CPU a connection and feeds hung workers: the workers accept by themselves.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const { cwd, entry, nodeArgs, env, capturesOutput } = options;
    const inspector = inspectorOptions(nodeArgs, { ...process.env, ...env });
    cluster.setupPrimary({
      exec: entry,
      execArgv: [...nodeArgs, ...inspector.args],
      inspectPort: inspector.port,
      args: [],
      serialization: "json",
      stdio: capturesOutput ? CAPTURING_STDIO : STDIO,
      cwd,
    });
    this.id = ++newestId;
    try {
      this.#worker = cluster.fork(env);
    } catch (error) {
      this.#tellForkFailed(error);
    }
    this.pid = this.#worker?.process.pid ?? 0;
    if (this.#worker !== undefined) this.#listen(this.#worker);
  }

  /** Tells `events` what happens from here on, and first what has happened already. */
  attach(events: WorkerEvents): this {
    this.#events = events;
    for (const tell of this.#unheard.splice(0)) tell(events);
    return this;
  }

  /** Sends an order; a worker that is gone does not get it, and its exit tells so. */
  send(order: Order): void {
    const child = this.#worker?.process;
    if (child?.connected === true) child.send(order, ignoreFailure);
  }

  /** Sends the order to listen with a copy of each socket. */
  sendListeners(listeners: readonly Listener[]): void {
    for (const [index, { address, handle, isUnix }] of listeners.entries()) {
      const order: Order = { tsgate: "listen", listener: { index, count: listeners.length, address, isUnix } };
      const child = this.#worker?.process;
      if (child?.connected === true) sendHandle(child, order, handle, ignoreFailure);
    }
  }

  /** Sends it a copy of an idle connection of another worker; one that is gone does not get it, and its exit tells so. */
  sendConnection(move: number, handle: RawHandle, introduction?: Introduction): void {
    const order: Order = { tsgate: "hold-connection", move, ...(introduction && { introduction }) };
    const child = this.#worker?.process;
    if (child?.connected === true) sendHandle(child, order, handle, ignoreFailure);
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  signal(signal: "SIGKILL" | "SIGUSR1"): void {
    this.#worker?.process.kill(signal);
  }

  /** The pipe past the worker's event loop, on which a thread of it may answer. */
  get relay(): Duplex | undefined {
    // A process that could not be started has no streams, whatever the types say.
    const { stdio }: { readonly stdio?: ChildProcess["stdio"] } = this.#worker?.process ?? {};
    return stdio?.[RELAY_FD] as Duplex | undefined;
  }

  #tell(what: (events: WorkerEvents) => void): void {
    if (this.#events === undefined) this.#unheard.push(what);
    else what(this.#events);
  }

  /** No memory, no descriptors, too large an environment: to the pool it is a worker whose boot failed. */
  #tellForkFailed(error: unknown): void {
    const summary = `a worker's process could not be started: ${messageOf(error)}`;
    setImmediate(() => {
      this.#tell((events) => events.reported(this.id, { tsgate: "boot-failed", stage: "startup", summary }));
      this.#tell((events) => events.exited(this.id, null, null));
    });
  }

  #listen(worker: Worker): void {
    const child = worker.process;
    // node:cluster emits the child's errors again, and one that nobody listens for would be thrown.
    worker.on("error", ignoreFailure);
    this.relay?.on("error", ignoreFailure);
    let end: { code: number | null; signal: string | null } | undefined;
    let isTold = false;
    const tell = (): void => {
      if (isTold || end === undefined) return;
      isTold = true;
      const { code, signal } = end;
      this.#tell((events) => events.exited(this.id, code, signal));
    };
    child.on("message", (message: unknown, handle: unknown) => {
      if (isReport(message) && message.tsgate === "connection-offered") {
        this.#tell((events) => events.reported(this.id, message, (handle as RawHandle | null) ?? undefined));
        return;
      }
      if (isReport(message)) this.#tell((events) => events.reported(this.id, message));
      discard(handle);
    });
    const output = this.#readOutput(child);
    const tellWhenRead = output === undefined ? tell : () => void output().then(tell);
    // What a worker said last may still be in the channel when its exit is seen: the end is told when both are over.
    child.once("disconnect", () => {
      tellWhenRead();
      if (end !== undefined) return;
      setTimeout(() => {
        if (end === undefined) this.#tell((events) => events.disconnected(this.id));
      }, FOLLOWS_MS);
    });
    child.once("exit", (code, signal) => {
      end = { code, signal };
      if (child.connected) setTimeout(tell, LAST_WORDS_MS);
      else tellWhenRead();
    });
    child.on("error", (error) => {
      if (child.pid !== undefined || isTold) return;
      isTold = true;
      this.#tellForkFailed(error);
    });
  }

  /** To be called at its end: resolves when the last line has been told. Undefined when its output is not captured. */
  #readOutput({ stdout, stderr }: ChildProcess): (() => Promise<void>) | undefined {
    if (stdout === null || stderr === null) return undefined;
    let lines = 0;
    const read = async (name: OutputStream, stream: Readable): Promise<void> =>
      outputPump.read(stream, (line) => {
        lines++;
        this.#tell((events) => events.wrote(this.id, name, line));
      });
    const whole = Promise.all([read("stdout", stdout), read("stderr", stderr)]);
    return async () => {
      const endsAt = monotonicNow() + LAST_LINES_AT_MOST_MS;
      for (let before = -1; before !== lines && monotonicNow() < endsAt;) {
        before = lines;
        if (await settledWithin(LAST_LINES_MS, whole)) return;
        // What lies in the pipes is read first: the master may not have run for as long.
        await nextTurn();
      }
    };
  }
}

/** A socket that an application sends has nobody here who wants it, and would stay open for ever. */
function discard(handle: unknown): void {
  if (handle instanceof net.Socket) handle.destroy();
  else if (handle instanceof net.Server || handle instanceof dgram.Socket) handle.close();
}

/** Only what is known and whole: a worker of another version, or an application, may say anything. */
function isReport(message: unknown): message is Report {
  if (typeof message !== "object" || message === null || !("tsgate" in message)) return false;
  const type = message.tsgate;
  if (typeof type !== "string" || !Object.hasOwn(REPORTS, type)) return false;
  return REPORTS[type as Report["tsgate"]].every(([field, kind]) => {
    const value = (message as Readonly<Record<string, unknown>>)[field];
    return kind === "array" ? Array.isArray(value) : typeof value === kind && value !== null;
  });
}

/** Each report's fields that the master reads into, with their types. */
const REPORTS: {
  readonly [Type in Report["tsgate"]]: readonly (readonly [string, "string" | "object" | "number" | "array"])[];
} = {
  hello: [],
  idle: [],
  waiting: [["lacks", "string"]],
  loading: [["application", "string"]],
  "application-loaded": [["infos", "array"]],
  "application-started": [],
  ready: [],
  "logs-reopened": [],
  "boot-failed": [["summary", "string"]],
  heartbeat: [
    ["requests", "number"],
    ["rssBytes", "number"],
    ["heapUsedBytes", "number"],
    ["heapLimitBytes", "number"],
    ["load", "object"],
  ],
  "load-changed": [["load", "object"]],
  "sockets-wanted": [],
  "connection-offered": [["token", "number"]],
  "connections-given": [
    ["gift", "number"],
    ["count", "number"],
  ],
  "offer-withdrawn": [["token", "number"]],
  "connection-answered": [["move", "number"]],
  "asked-by": [["way", "object"]],
  stats: [["stats", "object"]],
  "application-metrics": [],
  profiled: [
    ["request", "number"],
    ["outcome", "object"],
  ],
  "term-received": [],
  uncaught: [["error", "object"]],
  "python-failed": [
    ["how", "string"],
    ["facts", "object"],
  ],
  "server-closed": [],
  "also-listening": [["address", "string"]],
  log: [
    ["level", "string"],
    ["msg", "string"],
  ],
};

let newestId = 0;

/** A send can only fail because the worker has ended, which its exit says better. */
function ignoreFailure(): void {}
