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
import { processTitle } from "./boot-order.ts";
import { EventQueue } from "./event-queue.ts";
import type { MasterEvent } from "./events.ts";
import { gaveUp } from "./failure-report.ts";
import { hooksSettled, runHook } from "./hooks.ts";
import { isServing } from "./model.ts";
import { nearestDeadline } from "./nearest-deadline.ts";
import { nextAction } from "./reconcile.ts";
import { recyclingDue } from "./recycling.ts";
import { type ArbiterOptions, Parts } from "./parts.ts";
import { isStopSignal, listenForSignals, type MasterSignal } from "./signals.ts";
import type { Ending } from "./stopping.ts";
import { giveUpAt, overdue, silentAt } from "./watchdog.ts";

export class Arbiter {
  readonly #options: ArbiterOptions;
  readonly #log: WriteRecord;
  readonly #queue = new EventQueue<MasterEvent>();
  readonly #parts: Parts;
  #stopListening: (() => void) | undefined;
  readonly #alarm = new Alarm(() => this.#queue.push({ type: "deadline-passed" }));
  /** The instant at which what is wanted was last compared with what is there. */
  #lookedAt = 0;
  #cutHookShort: () => void = () => {};
  #faults = 0;

  constructor(options: ArbiterOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#parts = new Parts(options, (event) => this.#queue.push(event));
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
    return this.#parts.stopping.ending;
  }

  /** The last call, when the log is written: those who have waited for the end see it. */
  letGo(): void {
    this.#parts.outlets.letGo();
  }

  // ---- the life of the server

  async #start(): Promise<void> {
    const { outlets, holdings, journal, reload } = this.#parts;
    const { configuration } = this.#options.release;
    const { settings } = configuration;
    process.title = processTitle(settings, "master");
    this.#stopListening = listenForSignals((signal) => {
      this.#queue.push({ type: "signal", signal });
      if (isStopSignal(signal)) this.#cutHookShort();
    });
    process.once("exit", () => outlets.close());
    if (settings.pid !== undefined) holdings.acquirePidfile(settings.pid);
    if (!(await this.#unlessStopped(runHook(configuration.hooks, "onStarting", this.#log)))) return;
    await outlets.openControl(settings, (command, client) => this.#queue.push({ type: "control", command, client }));
    await holdings.openListeners(settings.bind);
    await outlets.openAdmin(settings);
    journal.starting(configuration);
    outlets.announce();
    reload.start(this.#options.release, monotonicNow());
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
    const { reports, departures, crew, reload, controls } = this.#parts;
    switch (event.type) {
      case "signal":
        return this.#onSignal(event.signal);
      case "worker-reported":
        return reports.take(event.id, event.report, event.handle);
      case "worker-exited":
        return departures.exited(event.id, event.code, event.signal);
      case "worker-disconnected":
        return reports.disconnected(event.id);
      case "worker-examined":
        return crew.kill(event.id, event.cause, event.examination);
      case "reload-prepared":
        return reload.begin(event.request, event.outcome, monotonicNow());
      case "control":
        return controls.perform(event.command, event.client);
      case "deadline-passed":
        return this.#onDeadline();
      default:
        return assertNever(event);
    }
  }

  /** @param isDeadline a deadline has passed: what has happened until then has been heard */
  #reconcile(isDeadline: boolean): void {
    const { oomKills, reload, pool, crew, balancer, evener, journal, controls } = this.#parts;
    const now = monotonicNow();
    this.#lookedAt = now;
    oomKills.watch(now);
    reload.advance(now, isDeadline);
    for (const { id, why } of recyclingDue(pool, now)) pool.unwanted(id, why, now);
    for (let action = nextAction(pool, now); action !== undefined; action = nextAction(pool, now)) {
      crew.perform(action, now);
    }
    balancer.settle(now);
    evener.settle(now);
    journal.degradation();
    controls.tellProgress();
  }

  #sleepUntilNearestDeadline(): void {
    const { pool, balancer } = this.#parts;
    // Seen from when it looked last: an instant that has passed since then has not been acted upon.
    const others = Math.min(giveUpAt(pool, this.#giveUpMs()), balancer.looksAgainAt(this.#lookedAt));
    this.#alarm.set(nearestDeadline(pool, others, this.#lookedAt));
  }

  #hasEnded(): boolean {
    const { pool } = this.#parts;
    return !isServing(pool, monotonicNow()) && pool.workers.length === 0;
  }

  async #finish(): Promise<void> {
    const { crew, holdings, releases, stopping, outlets } = this.#parts;
    this.#alarm.clear();
    crew.killAll();
    holdings.release();
    if (releases.newest > 0) {
      await this.#unlessStopped(hooksSettled().then(async () => runHook(this.#hooks(), "onExit", this.#log)));
      this.#log("info", "server stopped", {
        exitCode: stopping.ending.exitCode,
        error: stopping.ending.error?.message,
      });
    }
    outlets.close();
    this.#stopListening?.();
  }

  // ---- events

  #onSignal(signal: MasterSignal): void {
    const { pool, reload, stopping, capacity } = this.#parts;
    switch (signal) {
      case "SIGHUP":
        return reload.prepare();
      case "SIGTERM":
        return pool.stop === undefined ? stopping.gracefully() : stopping.quickly({ signal });
      case "SIGINT":
      case "SIGQUIT":
        return stopping.quickly({ signal });
      case "SIGTTIN":
        return capacity.change(1);
      case "SIGTTOU":
        return capacity.change(-1);
      case "SIGUSR1":
        return this.#parts.reopenLogs();
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
    this.#parts.pool.postpone(lateMs + AWAKE_MS);
  }

  #onDeadline(): void {
    const { pool, crew, stopping } = this.#parts;
    const now = monotonicNow();
    for (const { id, cause, isAskedFirst } of overdue(pool.workers, now)) {
      if (isAskedFirst) crew.examine(id, cause, now);
      else crew.kill(id, cause);
    }
    for (const worker of pool.workers) if (silentAt(worker) <= now) pool.silent(worker.id);
    if (giveUpAt(pool, this.#giveUpMs()) <= now) stopping.halt(gaveUp(this.#giveUpMs()));
  }

  // ---- small things

  /** Waits for hooks, but no longer than until somebody asks for a stop; false if that came first. */
  async #unlessStopped(hooks: Promise<void>): Promise<boolean> {
    const isStopped = new Promise<boolean>((resolve) => (this.#cutHookShort = () => resolve(false)));
    return Promise.race([hooks.then(() => true), isStopped]);
  }

  #hooks(): Hooks {
    const { releases, pool } = this.#parts;
    return releases.current(pool).configuration.hooks;
  }

  #giveUpMs(): number {
    const { releases, pool } = this.#parts;
    return releases.settings(pool).giveUp;
  }
}

const TOLERATED_FAULTS = 100;

/** In so much time a master that has not been running hears what has happened meanwhile. */
const AWAKE_MS = 200;
