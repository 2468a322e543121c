/**
 * Starts the shipped binary for a test, reads its log, signals it, and makes sure that nothing of it is left: no
 * process, no pidfile, no socket. Nothing here waits for time; everything waits for a record, a reply or an exit.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { LogRecords } from "./log-records.ts";
import type { LogRecord, RecordMatch, WaitOptions } from "./log-records.ts";
import { MARK, markedProcesses } from "./process-tree.ts";
import type { Target } from "./traffic.ts";

export type { LogRecord, RecordMatch, WaitOptions } from "./log-records.ts";

/** The shipped binary. */
export const TSGATE = fileURLToPath(new URL("../../bin/tsgate.js", import.meta.url));

export interface StartOptions {
  readonly cwd?: string;
  /** Beside the test's own environment, from which whatever steers tsgate or Node has been taken. */
  readonly env?: Readonly<Record<string, string>>;
  /** What starts it; default: the shipped binary on this Node. */
  readonly command?: readonly string[];
  /** The Node to run it with; default: this one. */
  readonly nodeBinary?: string;
  /** A command, with its arguments, that starts the server as its child or in its place. */
  readonly wrapper?: readonly string[];
  /** Default: nothing to read. */
  readonly stdin?: "ignore" | "pipe";
  /** Gives the server a process group of its own, as a shell does, for `signalGroup`. */
  readonly ownGroup?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts `tsgate ARGS` with a JSON log and returns at once. When the test ends, whatever still runs is ended and it is
 * checked that nothing is left. Call it within a test; elsewhere call `cleanup` yourself.
 */
export function startTsgate(args: readonly string[], options: StartOptions = {}): Tsgate {
  const server = new Tsgate(args, options);
  onTestFinished(() => server.cleanup());
  return server;
}

/** Runs `tsgate ARGS` as it is, to its end: for usage errors, `--help` and the like. */
export async function runTsgate(
  args: readonly string[],
  options: StartOptions = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const server = new Tsgate(args, options, { isLogged: false });
  onTestFinished(() => server.cleanup());
  const exit = await server.exited;
  return { ...exit, stdout: server.stdout, stderr: server.stderr };
}

export class Tsgate {
  readonly log = new LogRecords();
  /** How the master ended. */
  readonly exited: Promise<Exit>;
  stdout = "";
  stderr = "";
  exit: Exit | undefined;
  readonly #child: ChildProcess;
  readonly #mark: string = randomUUID();
  readonly #args: readonly string[];
  readonly #cwd: string;

  constructor(args: readonly string[], options: StartOptions, { isLogged = true } = {}) {
    const logFormat = !isLogged || args.includes("--log-format") ? [] : ["--log-format", "json"];
    this.#args = args;
    this.#cwd = options.cwd ?? process.cwd();
    // As the binary's first line starts it: without the dashes Node would take `--env-file` for its own.
    const shipped = [options.nodeBinary ?? process.execPath, "--", TSGATE];
    const command = [...(options.wrapper ?? []), ...(options.command ?? shipped), ...logFormat, ...args];
    this.#child = spawn(command[0] as string, command.slice(1), {
      cwd: this.#cwd,
      env: { ...quietEnvironment(), [MARK]: this.#mark, ...options.env },
      stdio: [options.stdin ?? "ignore", "pipe", "pipe"],
      detached: options.ownGroup ?? false,
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.log.push(text);
    });
    this.exited = this.#untilExit();
  }

  /** The master's pid. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("tsgate could not be started");
    return this.#child.pid;
  }

  get records(): readonly LogRecord[] {
    return this.log.records;
  }

  /** Resolves with a record of the log that is there or will come; rejects at once when the server has ended. */
  waitForRecord(match: RecordMatch, options?: WaitOptions): Promise<LogRecord> {
    return this.log.wait(match, options);
  }

  /** Resolves when what was written to the standard output or error matches, records or not. */
  async waitForOutput(pattern: RegExp, timeoutMs = 45_000): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      const isOver = this.exit !== undefined || performance.now() > endsAt;
      if (isOver) throw new Error(`no ${pattern} in:\n${this.stdout}\n${this.stderr}`);
      await sleep(10);
    }
  }

  /** Resolves when the log has told of `count` workers ready at the same time. */
  waitForReady(count: number, options?: WaitOptions): Promise<LogRecord> {
    return this.log.wait(
      ({ msg, ready }) => msg.startsWith("worker ") && typeof ready === "number" && ready >= count,
      options,
    );
  }

  /** The `index`-th address that the server listens on, as the log names it. */
  async address(index = 0): Promise<string> {
    const record = await this.log.wait("listening", { nth: index + 1 });
    return String(record["address"]);
  }

  /** Where to connect to for the `index`-th address. */
  async target(index = 0): Promise<Target> {
    return toTarget(await this.address(index));
  }

  /** The `http://` URL of the `index`-th address, which must be TCP. */
  async url(index = 0): Promise<string> {
    const target = await this.target(index);
    if ("path" in target) throw new Error(`${target.path} has no URL`);
    const host = target.host.includes(":") ? `[${target.host}]` : target.host;
    return `http://${host}:${target.port}`;
  }

  /** The workers that the log has told of and that have not gone. */
  workerPids(): number[] {
    const pids = new Set<number>();
    for (const { msg, pid } of this.records) {
      if (pid === undefined) continue;
      if (msg === "worker spawned" || msg === "worker ready") pids.add(pid);
      else if (msg === "worker gone") pids.delete(pid);
    }
    return [...pids];
  }

  /** Every process that this server started and that lives, the master among them. */
  processes(): Promise<number[]> {
    return markedProcesses(this.#mark, [this.pid, ...this.workerPids()]);
  }

  /** Sends the master a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal to the master and all its workers at once, as a terminal does; needs `ownGroup`. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Sends TERM, unless it has ended, and waits for the end. */
  async stop(): Promise<Exit> {
    if (this.exit === undefined) this.signal("SIGTERM");
    return this.exited;
  }

  /** The standard input, when it was asked for as a pipe. */
  get stdin(): NodeJS.WritableStream {
    if (this.#child.stdin === null) throw new Error("started without a standard input");
    return this.#child.stdin;
  }

  /** Ends what still runs, by its own pids, and throws when a process, a pidfile or a socket is left. */
  async cleanup(): Promise<void> {
    const isLeftRunning = this.exit === undefined;
    if (isLeftRunning) {
      this.signal("SIGQUIT");
      await Promise.race([this.exited, sleep(20_000, undefined, { ref: false })]);
    }
    const left = await this.#leftovers(isLeftRunning ? 5000 : 3000);
    for (let pids = await this.processes(); pids.length > 0; pids = await this.processes()) {
      for (const pid of pids) kill(pid);
      await sleep(5);
    }
    await this.exited;
    if (left.length > 0)
      throw new Error(`tsgate ${this.#args.join(" ")} left behind: ${left.join(", ")}\n${this.stderr}`);
  }

  async #untilExit(): Promise<Exit> {
    const closed = once(this.#child, "close").catch(() => {});
    const [code, signal] = (await once(this.#child, "exit")) as [number | null, NodeJS.Signals | null];
    void closed.then(() => this.log.end(`tsgate has ended with ${signal ?? code}`));
    // What was written last is still in the pipe; workers that outlive their master keep the pipe open.
    await Promise.race([closed, sleep(500)]);
    const exit = { code, signal };
    this.exit = exit;
    return exit;
  }

  /** What is still there `graceMs` after the end; a master that was killed cannot tidy up its files. */
  async #leftovers(graceMs: number): Promise<string[]> {
    const endsAt = performance.now() + graceMs;
    for (;;) {
      const processes = (await this.processes()).map((pid) => `process ${pid}`);
      const files = this.exit?.signal === "SIGKILL" ? [] : this.#files().filter((file) => existsSync(file));
      if (processes.length + files.length === 0 || performance.now() > endsAt) return [...processes, ...files];
      await sleep(20);
    }
  }

  /** The pidfile and the unix sockets of this server. */
  #files(): string[] {
    const files = this.log.all("listening").map(({ address }) => String(address));
    for (const [index, arg] of this.#args.entries()) {
      const value = this.#args[index + 1] ?? "";
      if (arg === "-p" || arg === "--pid") files.push(`unix:${value}`);
      else if (arg.startsWith("--pid=")) files.push(`unix:${arg.slice("--pid=".length)}`);
    }
    const paths = files.filter((file) => file.startsWith("unix:") && !file.startsWith("unix:@"));
    return paths.map((file) => path.resolve(this.#cwd, file.slice("unix:".length)));
  }
}

/** Where to connect to for an address as the log names it. All addresses (`:8000`) are reached over IPv4. */
export function toTarget(address: string): Target {
  if (address.startsWith("unix:@")) return { path: `\0${address.slice("unix:@".length)}` };
  if (address.startsWith("unix:")) return { path: address.slice("unix:".length) };
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = Number(address.slice(colon + 1));
  if (!Number.isInteger(port) || port <= 0) throw new Error(`no address to connect to: ${address}`);
  return { host: host === "" ? "127.0.0.1" : host, port };
}

/** The test's environment without what steers tsgate, Node or vitest. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  const isSteering =
    /^(?:TSGATE_|VITEST|NODE_|LISTEN_|npm_)|^(?:PORT|WEB_CONCURRENCY|TEST|NOTIFY_SOCKET|RUNTIME_DIRECTORY)$/;
  const kept = Object.entries(process.env).filter(([name]) => !isSteering.test(name) || name === "NODE_V8_COVERAGE");
  return Object.fromEntries(kept);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone by itself.
  }
}
