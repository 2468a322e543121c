/**
 * What a master consists of, made once and in the order in which one piece needs another: the arbiter alone moves them,
 * and what happens to them comes back to it as events.
 */

import { monotonicNow } from "../deadline.ts";
import type { WriteRecord } from "../logger.ts";
import { Balancer } from "./balancer.ts";
import { isObserved } from "./boot-order.ts";
import { Capacity, poolLimits } from "./capacity.ts";
import { Controls } from "./controls.ts";
import { Crew } from "./crew.ts";
import { Departures } from "./departures.ts";
import { Evener } from "./evener.ts";
import type { MasterEvent } from "./events.ts";
import { Holdings } from "./holdings.ts";
import { Journal } from "./journal.ts";
import { LogReopening } from "./log-reopening.ts";
import { Moves } from "./moves.ts";
import { OomKills } from "./oom-kills.ts";
import { Outlets } from "./outlets.ts";
import type { ReadConfiguration, Release } from "./release.ts";
import { Reload } from "./reload.ts";
import { Releases } from "./releases.ts";
import { Reports } from "./reports.ts";
import { Stopping } from "./stopping.ts";
import { Stacks } from "./stacks.ts";
import { Telemetry } from "./telemetry.ts";
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

export class Parts {
  readonly releases: Releases;
  readonly pool: WorkerPool;
  readonly journal: Journal;
  readonly crew: Crew;
  readonly balancer: Balancer;
  readonly evener: Evener;
  readonly reload: Reload;
  readonly reopening: LogReopening;
  readonly stacks: Stacks;
  readonly reports: Reports;
  readonly oomKills = new OomKills(monotonicNow());
  readonly moves: Moves;
  readonly capacity: Capacity;
  readonly stopping: Stopping;
  readonly holdings = new Holdings();
  readonly telemetry: Telemetry | undefined;
  readonly outlets: Outlets;
  readonly controls: Controls;
  readonly departures: Departures;
  readonly #reopenOwn: () => void;

  /** @param happen takes what has happened into the arbiter's queue */
  constructor(options: ArbiterOptions, happen: (event: MasterEvent) => void) {
    const { settings } = options.release.configuration;
    this.#reopenOwn = options.reopenLogs;
    this.releases = new Releases(options.release);
    this.pool = new WorkerPool(settings.workers, poolLimits(settings, settings.workers), monotonicNow());
    this.telemetry = isObserved(settings) ? this.#observed(options) : undefined;
    this.journal = new Journal(options.log, this.pool, this.telemetry?.chronicle);
    this.crew = new Crew({
      pool: this.pool,
      journal: this.journal,
      releases: this.releases,
      holdings: this.holdings,
      events: this.#workerEvents(happen),
      examined: (id, cause, examination) => happen({ type: "worker-examined", id, cause, examination }),
    });
    this.capacity = new Capacity({
      pool: this.pool,
      releases: this.releases,
      journal: this.journal,
      log: options.log,
    });
    this.balancer = new Balancer({ pool: this.pool, crew: this.crew, journal: this.journal });
    this.evener = new Evener({ pool: this.pool, crew: this.crew, balancer: this.balancer, journal: this.journal });
    this.moves = new Moves({
      pool: this.pool,
      crew: this.crew,
      balancer: this.balancer,
      evener: this.evener,
      journal: this.journal,
    });
    this.reload = new Reload({
      pool: this.pool,
      releases: this.releases,
      journal: this.journal,
      log: options.log,
      readConfiguration: options.readConfiguration,
      prepared: (request, outcome) => happen({ type: "reload-prepared", request, outcome }),
      promoted: (before) => this.capacity.promoted(before),
    });
    this.reopening = new LogReopening({
      workers: () => this.pool.workers,
      send: (id, order) => this.crew.send(id, order),
      log: options.log,
    });
    this.stacks = new Stacks({ pool: this.pool, crew: this.crew });
    this.reports = new Reports({
      pool: this.pool,
      crew: this.crew,
      balancer: this.balancer,
      evener: this.evener,
      moves: this.moves,
      journal: this.journal,
      releases: this.releases,
      reload: this.reload,
      holdings: this.holdings,
      reopening: this.reopening,
      stacks: this.stacks,
      telemetry: this.telemetry,
      oomKills: this.oomKills,
    });
    this.stopping = new Stopping({
      pool: this.pool,
      releases: this.releases,
      log: options.log,
      begun: () => this.reload.stopped(),
    });
    this.outlets = new Outlets(this.telemetry, options.log);
    this.departures = new Departures({
      pool: this.pool,
      crew: this.crew,
      moves: this.moves,
      reopening: this.reopening,
      journal: this.journal,
      releases: this.releases,
      reload: this.reload,
      stopping: this.stopping,
      stacks: this.stacks,
      telemetry: this.telemetry,
      oomKills: this.oomKills,
      log: options.log,
    });
    this.controls = new Controls({
      pool: this.pool,
      crew: this.crew,
      releases: this.releases,
      reload: this.reload,
      scale: (target) => this.capacity.set(target),
      stop: (kind) => (kind === "quick" ? this.stopping.quickly({ command: "stop" }) : this.stopping.gracefully()),
      reopenLogs: () => this.reopenLogs(),
      stacks: this.stacks,
      status: () => ({ ...this.telemetry?.status() }),
    });
  }

  /** The master's own log files first, then everybody's. */
  reopenLogs(): void {
    this.#reopenOwn();
    this.reopening.begin();
  }

  #workerEvents(happen: (event: MasterEvent) => void): WorkerEvents {
    return {
      reported: (id, report, handle) => happen({ type: "worker-reported", id, report, handle }),
      exited: (id, code, signal) => happen({ type: "worker-exited", id, code, signal }),
      disconnected: (id) => happen({ type: "worker-disconnected", id }),
      // Of no consequence to anybody: it need not wait in the queue.
      wrote: (id, stream, line) => this.journal.output(id, stream, line),
    };
  }

  #observed({ droppedRecords }: ArbiterOptions): Telemetry {
    return new Telemetry({
      pool: this.pool,
      releases: this.releases,
      listeners: () => this.holdings.listeners,
      transport: () => this.journal.transport,
      send: (id, order) => this.crew.send(id, order),
      droppedRecords,
    });
  }
}
