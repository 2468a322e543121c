/**
 * A live server with its traffic, as events see it: who is ready, what is on disk, what has been caused. It notes every
 * worker's death that an event causes, with the connections that the worker held, because they decide which failures are
 * excused. Every wait is bounded and ends in a Violation.
 */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogRecord, RecordMatch } from "../support/log-records.ts";
import type { TempProject } from "../support/temp-project.ts";
import { connect, Connection } from "../support/traffic/connection.mjs";
import type { Exchange, RequestShape, Target } from "../support/traffic/connection.mjs";
import type { Death } from "../support/traffic/excuses.mjs";
import { heldConnections, systemTables } from "../support/traffic/held-connections.mjs";
import { TallyKeeper } from "../support/traffic/tally.mjs";
import type { Tsgate } from "../support/tsgate.ts";
import { configuration, TIMES } from "./deployments.ts";
import type { ServerShape } from "./deployments.ts";
import { Violation } from "./violation.ts";
import type { Invariant } from "./violation.ts";

/** What a worker may take to boot, beyond every wait that was planned. */
export const BOOT_BOUND_MS = 10_000;
/** Above every wait that a request may have: the longest back-off of a plan, a hang, a master that stands still. */
export const REPLY_TIMEOUT_MS = 60_000;

/** What an application said on the standard output (test/fixtures/chaos-app.mjs). */
interface Deed {
  readonly deed: "hanging" | "blocking" | "exiting";
  readonly pid: number;
  readonly ports?: readonly number[];
  readonly unix?: number;
}

export interface SeenOptions {
  /** The place in the log from which on. */
  readonly from: number;
  readonly withinMs: number;
  /** What is violated when it does not come, and the sentence that says so. */
  readonly or: readonly [Invariant, string];
}

export interface WorldOptions {
  readonly server: Tsgate;
  readonly project: TempProject;
  readonly shape: ServerShape;
  readonly targets: readonly Target[];
  /** What is on disk as app.mjs. */
  readonly app: string;
  /** What bounds are multiplied by. */
  readonly patience: number;
}

export class World {
  readonly server: Tsgate;
  readonly shape: ServerShape;
  readonly project: TempProject;
  readonly targets: readonly Target[];
  /** The requests that events make themselves. */
  readonly own = new TallyKeeper();
  /** Workers that events have killed or made hang, and since when. */
  readonly #deaths = new Map<number, Omit<Death, "to">>();
  /** What events make applications throw. */
  readonly #throws = new Set<string>();
  /** Records above `info` that events have caused. */
  readonly expected: RecordMatch[] = [];
  /** The good application and configuration that are on disk when nothing is broken. */
  #good: { app: string; config: string };
  readonly #open = new Set<Connection>();
  readonly patience: number;

  constructor({ server, project, shape, targets, app, patience }: WorldOptions) {
    this.server = server;
    this.project = project;
    this.shape = shape;
    this.targets = targets;
    this.#good = { app, config: configuration(shape) };
    this.patience = patience;
  }

  // ---- what is on disk

  /** Writes a good version, which is what `restore` puts back from now on, with so many workers from now on. */
  async deploy(app: string, workers?: number): Promise<void> {
    const config = workers === undefined ? this.#good.config : configuration({ ...this.shape, workers });
    this.#good = { app, config };
    await this.restore();
  }

  /** Writes a version that must not come into force, or a configuration with `more` in it. */
  async deployBroken({ app, config }: { app?: string; config?: object }): Promise<void> {
    if (app !== undefined) await this.project.write("app.mjs", app);
    if (config !== undefined)
      await this.project.write("tsgate.config.json", JSON.stringify({ ...JSON.parse(this.#good.config), ...config }));
  }

  async restore(): Promise<void> {
    await this.project.write("app.mjs", this.#good.app);
    await this.project.write("tsgate.config.json", this.#good.config);
  }

  // ---- the log

  /** Resolves with a record that is there or comes in time; else that is a violation. */
  async seen(match: RecordMatch, { from, withinMs, or: [invariant, sentence] }: SeenOptions): Promise<LogRecord> {
    const { log } = this.server;
    const timeoutMs = withinMs * this.patience;
    const found = await log.wait(match, { from, timeoutMs }).catch(() => undefined);
    if (found !== undefined) return found;
    const { exit } = this.server;
    if (exit !== undefined)
      throw new Violation("exit", `the server ended by itself with ${exit.signal ?? exit.code} (${sentence})`);
    throw new Violation(invariant, `${sentence} within ${timeoutMs} ms`);
  }

  /** Of the reloads that have begun. */
  newestGeneration(): number {
    return this.server.log.all("reload started").at(-1)?.generation ?? 1;
  }

  /** An application will throw this where nobody catches, and its worker leaves for it. */
  expectThrow(message: string): void {
    this.#throws.add(message);
    this.expected.push(
      (record) => this.#isThrown(record),
      ({ msg, pid, cause }) => msg === "worker gone" && cause === "uncaught exception" && this.#hasThrown(Number(pid)),
    );
  }

  #hasThrown(pid: number): boolean {
    return this.server.records.some((record) => record.pid === pid && this.#isThrown(record));
  }

  #isThrown({ msg, error }: LogRecord): boolean {
    const message = (error as { message?: string } | undefined)?.message ?? "";
    return msg === "uncaught exception in the application" && this.#throws.has(message);
  }

  /** The workers that the log calls ready, in the order of their slots. */
  readyWorkers(): number[] {
    const ready = new Map<number, LogRecord>();
    for (const record of this.server.records) {
      if (record.pid === undefined) continue;
      if (record.msg === "worker ready") ready.set(record.pid, record);
      else if (record.msg === "worker draining" || record.msg === "worker gone") ready.delete(record.pid);
    }
    const bySlot = [...ready.values()].toSorted((one, other) => Number(one.slot) - Number(other.slot));
    return bySlot.map(({ pid }) => Number(pid));
  }

  /** One of the server's addresses, in turn. */
  target(index: number): Target {
    const target = this.targets[index % this.targets.length];
    if (target === undefined) throw new Error("a server without an address");
    return target;
  }

  /** The ready worker in that seat, counted around; undefined when none is ready. */
  workerIn(seat: number): number | undefined {
    const workers = this.readyWorkers();
    return workers[seat % workers.length];
  }

  // ---- deaths

  /** Whether an event has killed a worker of that generation, or made it throw. */
  hasLost(generation: number): boolean {
    const pids = this.server.log.all({ msg: "worker spawned", generation }).map(({ pid }) => Number(pid));
    return this.deaths().some(({ pid }) => pids.includes(pid)) || pids.some((pid) => this.#hasThrown(pid));
  }

  /** The deaths so far, as far as the log has seen their end. */
  deaths(): Death[] {
    this.#noteExits();
    return [...this.#deaths.values()].map((death) => ({
      ...death,
      to: this.server.log.all({ msg: "worker gone", pid: death.pid })[0]?.time ?? Date.now(),
    }));
  }

  /** Notes that this worker, which stands still or hangs for ever, is as good as dead: what it holds is lost. */
  mourn(pid: number, tables = systemTables()): void {
    const { ports, unix } = heldConnections(pid, tables);
    this.#deaths.set(pid, { pid, from: Date.now(), ports, unix });
  }

  /** Kills these workers at once and sees them go. Each is stopped before, so that what it holds can be read. */
  async kill(pids: readonly number[]): Promise<void> {
    const from = this.server.log.length;
    const stopped = pids.filter((pid) => send(pid, "SIGSTOP"));
    for (const pid of stopped) await untilStopped(pid);
    const tables = systemTables();
    for (const pid of stopped) this.mourn(pid, tables);
    for (const pid of stopped) send(pid, "SIGKILL");
    for (const pid of stopped) await this.gone(pid, from, BOOT_BOUND_MS);
  }

  /** Stops a worker; false when it has gone. */
  async freeze(pid: number): Promise<boolean> {
    if (!send(pid, "SIGSTOP")) return false;
    await untilStopped(pid);
    return true;
  }

  /** Continues a worker, unless something else has stopped it for good meanwhile. */
  thaw(pid: number): void {
    if (!this.#deaths.has(pid)) send(pid, "SIGCONT");
  }

  /** Resolves when the server has seen the worker's end. */
  async gone(pid: number, from: number, withinMs: number, invariant: Invariant = "replacement"): Promise<void> {
    if (this.server.log.all({ msg: "worker gone", pid }).length > 0) return;
    const or = [invariant, `worker ${pid} has not gone`] as const;
    await this.seen({ msg: "worker gone", pid }, { from, withinMs, or });
  }

  /** How long a hung worker may live: longer when it drains, because then it gives no sign of life. */
  hangBoundMs(pid: number): number {
    const isDraining = this.server.log.all({ msg: "worker draining", pid }).length > 0;
    return (isDraining ? TIMES.gracefulTimeout : TIMES.timeout) + 5000;
  }

  // ---- requests

  /** One request on a connection of its own, to one of the addresses in turn; counted like the traffic's. */
  async ask(shape: RequestShape, index = 0): Promise<Exchange> {
    const connection = await this.#connect(index);
    if (!(connection instanceof Connection)) {
      this.own.record("single", connection, undefined);
      return connection;
    }
    const exchange = await connection.request(shape, { closes: true });
    this.own.record("single", exchange, connection);
    this.#close(connection);
    return exchange;
  }

  /** A request that takes its worker's loop for ever or ends it, and so is not counted; `pid` of the worker that took it. */
  async provoke(query: "hang" | "exit"): Promise<number | undefined> {
    const deed = query === "hang" ? "hanging" : "exiting";
    const before = this.deeds().length;
    const connection = await this.#connect(0);
    if (!(connection instanceof Connection)) return undefined;
    let isOver = false;
    void connection.request({ path: `/?${query}` }).then(() => (isOver = true));
    for (;;) {
      const done = this.deeds()
        .slice(before)
        .find((one) => one.deed === deed);
      if (done !== undefined) return done.pid;
      // Its worker was killed by something else before it came to it.
      if (isOver) return undefined;
      await sleep(5);
    }
  }

  /** What applications have said so far. */
  deeds(): Deed[] {
    const lines = this.server.stdout.split("\n").slice(0, -1);
    return lines.filter((line) => line.startsWith('{"deed"')).map((line) => JSON.parse(line) as Deed);
  }

  /** Ends every connection of `ask` and `provoke`. */
  close(): void {
    for (const connection of this.#open) this.#close(connection);
  }

  async #connect(index: number): Promise<Connection | Exchange> {
    const made = await connect(this.target(index), { timeoutMs: REPLY_TIMEOUT_MS, onIdleEvent: () => {} });
    if (made instanceof Connection) this.#open.add(made);
    return made;
  }

  #close(connection: Connection): void {
    connection.close();
    this.#open.delete(connection);
  }

  /** Workers that ended themselves have said what they held. */
  #noteExits(): void {
    for (const { deed, pid, ports = [], unix = 0 } of this.deeds()) {
      if (deed !== "exiting" || this.#deaths.has(pid)) continue;
      const gone = this.server.log.all({ msg: "worker gone", pid })[0];
      this.#deaths.set(pid, { pid, from: gone?.time ?? Date.now(), ports, unix });
    }
  }
}

/** Sends a signal to a worker; false when it has gone. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** A signal takes effect a moment after it was sent; it is sent again, should something else have continued the worker. */
async function untilStopped(pid: number): Promise<void> {
  for (;;) {
    const state = stateOf(pid);
    if (state === undefined || "TtZX".includes(state)) return;
    send(pid, "SIGSTOP");
    await sleep(1);
  }
}

function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat[stat.lastIndexOf(")") + 2];
  } catch {
    return undefined;
  }
}
