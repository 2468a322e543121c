/**
 * The master, from top to bottom: start, then for each event apply it, compare what is wanted with what is there, and
 * sleep until the next event or the nearest deadline. Everything that happens comes through one queue; everything the
 * master knows is in one pool; what to do about it is decided by pure policies and done by the crew.
 */

import type { Hooks } from "../config/types.ts";
import { monotonicNow } from "../deadline.ts";
import { assertNever, reportError } from "../errors.ts";
import type { WriteRecord } from "../logger.ts";
import { Alarm } from "./alarm.ts";
import { Balancer } from "./balancer.ts";
import { isObserved, processTitle } from "./boot-order.ts";
import { Capacity, poolLimits } from "./capacity.ts";
import { Controls } from "./controls.ts";
import { Crew } from "./crew.ts";
import { Departures } from "./departures.ts";
import { EventQueue } from "./event-queue.ts";
import type { MasterEvent } from "./events.ts";
import { gaveUp } from "./failure-report.ts";
import { Holdings } from "./holdings.ts";
import { hooksSettled, runHook } from "./hooks.ts";
import { Journal } from "./journal.ts";
import { LogReopening } from "./log-reopening.ts";
import { isServing } from "./model.ts";
import { Moves } from "./moves.ts";
import { nearestDeadline } from "./nearest-deadline.ts";
import { OomKills } from "./oom-kills.ts";
import { nextAction } from "./reconcile.ts";
import { recyclingDue } from "./recycling.ts";
import { Outlets } from "./outlets.ts";
import type { ReadConfiguration, Release } from "./release.ts";
import { Reload } from "./reload.ts";
import { Releases } from "./releases.ts";
import { Reports } from "./reports.ts";
import { isStopSignal, listenForSignals, type MasterSignal } from "./signals.ts";
import { type Ending, Stopping } from "./stopping.ts";
import { Stacks } from "./stacks.ts";
import { Telemetry } from "./telemetry.ts";
import { giveUpAt, overdue, silentAt } from "./watchdog.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { WorkerEvents } from "./worker-process.ts";

export interface ArbiterOptions {
  readonly release: Release;
  /** Reads the configuration afresh, for a reload. */
  readonly readConfiguration: ReadConfiguration;
  readonly log: WriteRecord;
  readonly reopenLogs: () => void;
  /** Records that the log's target was too slow for. */
  readonly droppedRecords: () => number;
}

export class Arbiter {
  readonly #options: ArbiterOptions;
  readonly #log: WriteRecord;
  readonly #queue = new EventQueue<MasterEvent>();
  readonly #releases: Releases;
  readonly #pool: WorkerPool;
  readonly #journal: Journal;
  readonly #crew: Crew;
  readonly #balancer: Balancer;
  readonly #reload: Reload;
  readonly #reopening: LogReopening;
  readonly #stacks: Stacks;
  readonly #reports: Reports;
  readonly #oomKills = new OomKills(monotonicNow());
  readonly #moves: Moves;
  readonly #capacity: Capacity;
  readonly #stopping: Stopping;
  readonly #holdings = new Holdings();
  readonly #telemetry: Telemetry | undefined;
  readonly #outlets: Outlets;
  readonly #controls: Controls;
  readonly #departures: Departures;
  #stopListening: (() => void) | undefined;
  readonly #alarm = new Alarm(() => this.#queue.push({ type: "deadline-passed" }));
  /** The instant at which what is wanted was last compared with what is there. */
  #lookedAt = 0;
  #cutHookShort: () => void = () => {};
  #faults = 0;

  constructor(options: ArbiterOptions) {
    const { settings } = options.release.configuration;
    this.#options = options;
    this.#log = options.log;
    this.#releases = new Releases(options.release);
    this.#pool = new WorkerPool(settings.workers, poolLimits(settings, settings.workers), monotonicNow());
    this.#telemetry = isObserved(settings) ? this.#observed() : undefined;
    this.#journal = new Journal(options.log, this.#pool, this.#telemetry?.chronicle);
    this.#crew = new Crew({
      pool: this.#pool,
      journal: this.#journal,
      releases: this.#releases,
      holdings: this.#holdings,
      events: this.#workerEvents(),
      examined: (id, cause, examination) => this.#queue.push({ type: "worker-examined", id, cause, examination }),
    });
    this.#capacity = new Capacity({
      pool: this.#pool,
      releases: this.#releases,
      journal: this.#journal,
      log: options.log,
    });
    this.#balancer = new Balancer({ pool: this.#pool, crew: this.#crew, journal: this.#journal });
    this.#moves = new Moves({ pool: this.#pool, crew: this.#crew, balancer: this.#balancer });
    this.#reload = new Reload({
      pool: this.#pool,
      releases: this.#releases,
      journal: this.#journal,
      log: options.log,
      readConfiguration: options.readConfiguration,
      prepared: (request, outcome) => this.#queue.push({ type: "reload-prepared", request, outcome }),
      promoted: (before) => this.#capacity.promoted(before),
    });
    this.#reopening = new LogReopening({
      workers: () => this.#pool.workers,
      send: (id, order) => this.#crew.send(id, order),
      log: options.log,
    });
    this.#stacks = new Stacks({ pool: this.#pool, crew: this.#crew });
    this.#reports = new Reports({
      pool: this.#pool,
      crew: this.#crew,
      balancer: this.#balancer,
      moves: this.#moves,
      journal: this.#journal,
      releases: this.#releases,
      reload: this.#reload,
      holdings: this.#holdings,
      reopening: this.#reopening,
      stacks: this.#stacks,
      telemetry: this.#telemetry,
      oomKills: this.#oomKills,
    });
    this.#stopping = new Stopping({
      pool: this.#pool,
      releases: this.#releases,
      log: options.log,
      begun: () => this.#reload.stopped(),
    });
    this.#outlets = new Outlets(this.#telemetry, options.log);
    this.#departures = new Departures({
      pool: this.#pool,
      crew: this.#crew,
      moves: this.#moves,
      reopening: this.#reopening,
      journal: this.#journal,
      releases: this.#releases,
      reload: this.#reload,
      stopping: this.#stopping,
      stacks: this.#stacks,
      telemetry: this.#telemetry,
      oomKills: this.#oomKills,
      log: options.log,
    });
    this.#controls = new Controls({
      pool: this.#pool,
      crew: this.#crew,
      releases: this.#releases,
      reload: this.#reload,
      scale: (target) => this.#capacity.set(target),
      stop: (kind) => (kind === "quick" ? this.#stopping.quickly({ command: "stop" }) : this.#stopping.gracefully()),
      reopenLogs: () => this.#reopenLogs(),
      stacks: this.#stacks,
      status: () => ({ ...this.#telemetry?.status() }),
    });
  }

  /** Runs the server until it is told to stop, or halts. Leaves no process, pidfile or socket behind. */
  async run(): Promise<Ending> {
    try {
      await this.#start();
      for await (const event of this.#queue) {
        this.#handle(event);
        if (this.#hasEnded()) break;
        this.#sleepUntilNearestDeadline();
      }
    } finally {
      await this.#finish();
    }
    return this.#stopping.ending;
  }

  /** The last call, when the log is written: those who have waited for the end see it. */
  letGo(): void {
    this.#outlets.letGo();
  }

  // ---- the life of the server

  async #start(): Promise<void> {
    const { configuration } = this.#options.release;
    const { settings } = configuration;
    process.title = processTitle(settings, "master");
    this.#stopListening = listenForSignals((signal) => {
      this.#queue.push({ type: "signal", signal });
      if (isStopSignal(signal)) this.#cutHookShort();
    });
    process.once("exit", () => this.#outlets.close());
    if (settings.pid !== undefined) this.#holdings.acquirePidfile(settings.pid);
    if (!(await this.#unlessStopped(runHook(configuration.hooks, "onStarting", this.#log)))) return;
    await this.#outlets.openControl(settings, (command, client) =>
      this.#queue.push({ type: "control", command, client }),
    );
    await this.#holdings.openListeners(settings.bind);
    await this.#outlets.openAdmin(settings);
    this.#journal.starting(configuration);
    this.#outlets.announce();
    this.#reload.start(this.#options.release, monotonicNow());
    this.#reconcile(false);
    this.#sleepUntilNearestDeadline();
  }

  /** One event that goes wrong must not take a healthy pool with it; a master that fails at everything must end. */
  #handle(event: MasterEvent): void {
    try {
      this.#excuse();
      this.#apply(event);
      this.#reconcile(event.type === "deadline-passed");
    } catch (error) {
      this.#log("error", "internal error", { event: event.type, error: reportError(error) });
      if (++this.#faults > TOLERATED_FAULTS) throw error;
    }
  }

  #apply(event: MasterEvent): void {
    switch (event.type) {
      case "signal":
        return this.#onSignal(event.signal);
      case "worker-reported":
        return this.#reports.take(event.id, event.report, event.handle);
      case "worker-exited":
        return this.#departures.exited(event.id, event.code, event.signal);
      case "worker-disconnected":
        return this.#reports.disconnected(event.id);
      case "worker-examined":
        return this.#crew.kill(event.id, event.cause, event.examination);
      case "reload-prepared":
        return this.#reload.begin(event.request, event.outcome, monotonicNow());
      case "control":
        return this.#controls.perform(event.command, event.client);
      case "deadline-passed":
        return this.#onDeadline();
      default:
        return assertNever(event);
    }
  }

  /** @param isDeadline a deadline has passed: what has happened until then has been heard */
  #reconcile(isDeadline: boolean): void {
    const now = monotonicNow();
    this.#lookedAt = now;
    this.#oomKills.watch(now);
    this.#reload.advance(now, isDeadline);
    for (const { id, why } of recyclingDue(this.#pool, now)) this.#pool.unwanted(id, why, now);
    for (let action = nextAction(this.#pool, now); action !== undefined; action = nextAction(this.#pool, now)) {
      this.#crew.perform(action, now);
    }
    this.#balancer.settle(now);
    this.#journal.degradation();
    this.#controls.tellProgress();
  }

  #sleepUntilNearestDeadline(): void {
    // Seen from when it looked last: an instant that has passed since then has not been acted upon.
    const others = Math.min(giveUpAt(this.#pool, this.#giveUpMs()), this.#balancer.looksAgainAt(this.#lookedAt));
    this.#alarm.set(nearestDeadline(this.#pool, others, this.#lookedAt));
  }

  #hasEnded(): boolean {
    return !isServing(this.#pool, monotonicNow()) && this.#pool.workers.length === 0;
  }

  async #finish(): Promise<void> {
    this.#alarm.clear();
    this.#crew.killAll();
    this.#holdings.release();
    if (this.#releases.newest > 0) {
      await this.#unlessStopped(hooksSettled().then(async () => runHook(this.#hooks(), "onExit", this.#log)));
      this.#log("info", "server stopped", {
        exitCode: this.#stopping.ending.exitCode,
        error: this.#stopping.ending.error?.message,
      });
    }
    this.#outlets.close();
    this.#stopListening?.();
  }

  // ---- events

  #onSignal(signal: MasterSignal): void {
    switch (signal) {
      case "SIGHUP":
        return this.#reload.prepare();
      case "SIGTERM":
        return this.#pool.stop === undefined ? this.#stopping.gracefully() : this.#stopping.quickly({ signal });
      case "SIGINT":
      case "SIGQUIT":
        return this.#stopping.quickly({ signal });
      case "SIGTTIN":
        return this.#capacity.change(1);
      case "SIGTTOU":
        return this.#capacity.change(-1);
      case "SIGUSR1":
        return this.#reopenLogs();
      case "SIGUSR2":
        return this.#log("warn", "signal ignored", { signal });
      default:
        return assertNever(signal);
    }
  }

  /** For the time in which the master did not run nobody is judged, nor has anybody been watched. */
  #excuse(): void {
    const lateMs = this.#alarm.takeLateness(monotonicNow());
    if (lateMs === 0) return;
    this.#log("warn", "master was not running", { lateMs: Math.round(lateMs) });
    this.#pool.postpone(lateMs + AWAKE_MS);
  }

  #onDeadline(): void {
    const now = monotonicNow();
    for (const { id, cause, isAskedFirst } of overdue(this.#pool.workers, now)) {
      if (isAskedFirst) this.#crew.examine(id, cause, now);
      else this.#crew.kill(id, cause);
    }
    for (const worker of this.#pool.workers) if (silentAt(worker) <= now) this.#pool.silent(worker.id);
    if (giveUpAt(this.#pool, this.#giveUpMs()) <= now) this.#stopping.halt(gaveUp(this.#giveUpMs()));
  }

  // ---- small things

  #workerEvents(): WorkerEvents {
    return {
      reported: (id, report, handle) => this.#queue.push({ type: "worker-reported", id, report, handle }),
      exited: (id, code, signal) => this.#queue.push({ type: "worker-exited", id, code, signal }),
      disconnected: (id) => this.#queue.push({ type: "worker-disconnected", id }),
      // Of no consequence to anybody: it need not wait in the queue.
      wrote: (id, stream, line) => this.#journal.output(id, stream, line),
    };
  }

  #observed(): Telemetry {
    return new Telemetry({
      pool: this.#pool,
      releases: this.#releases,
      listeners: () => this.#holdings.listeners,
      transport: () => this.#journal.transport,
      send: (id, order) => this.#crew.send(id, order),
      droppedRecords: this.#options.droppedRecords,
    });
  }

  /** Waits for hooks, but no longer than until somebody asks for a stop; false if that came first. */
  async #unlessStopped(hooks: Promise<void>): Promise<boolean> {
    const isStopped = new Promise<boolean>((resolve) => (this.#cutHookShort = () => resolve(false)));
    return Promise.race([hooks.then(() => true), isStopped]);
  }

  #reopenLogs(): void {
    this.#options.reopenLogs();
    this.#reopening.begin();
  }

  #hooks(): Hooks {
    return this.#releases.current(this.#pool).configuration.hooks;
  }

  #giveUpMs(): number {
    return this.#releases.settings(this.#pool).giveUp;
  }
}

const TOLERATED_FAULTS = 100;

/** In so much time a master that has not been running hears what has happened meanwhile. */
const AWAKE_MS = 200;
