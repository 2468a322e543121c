/**
 * Does what the policies have decided: forks workers, gives them orders, kills them. Every deed is recorded in the
 * pool before the next decision is asked for. Decides nothing.
 */

import { assertNever } from "../errors.ts";
import type { AskingWay } from "../hung-account.ts";
import type { Introduction, Order } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import { forkOptions, workerLimits } from "./boot-order.ts";
import { type Examination, examine } from "./hang/examine.ts";
import type { Holdings } from "./holdings.ts";
import type { Journal } from "./journal.ts";
import type { EndCause, WorkerRecord } from "./model.ts";
import type { Action } from "./reconcile.ts";
import { recyclingFacts, recyclingLimits } from "./recycling.ts";
import type { Releases } from "./releases.ts";
import { takeSpare } from "./spare-worker.ts";
import type { WorkerPool } from "./worker-pool.ts";
import { type WorkerEvents, WorkerProcess } from "./worker-process.ts";

/** What a worker gets after the order to quit. */
const QUIT_GRACE_MS = 500;

export interface CrewOptions {
  readonly pool: WorkerPool;
  readonly journal: Journal;
  readonly releases: Releases;
  readonly holdings: Holdings;
  readonly events: WorkerEvents;
  /** Called when a worker that was to be asked has been. */
  readonly examined: (id: number, cause: EndCause, examination: Examination) => void;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #processes = new Map<number, WorkerProcess>();
  /** Where the inspectors listen that were opened to ask a worker, which may be asked again. */
  readonly #inspectors = new Map<number, string>();
  /** Those under way. */
  readonly #examinations = new Map<number, Promise<Examination>>();

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  perform(action: Action, now: number): void {
    switch (action.do) {
      case "spawn":
        return this.#spawn(action.slot, action.generation, now);
      case "listen":
        this.#options.pool.listenOrdered(action.id);
        return this.sendListeners(action.id);
      case "drain":
        return this.#drain(action, now);
      case "quit":
        this.#options.pool.quitting(action.id, "stop", now, QUIT_GRACE_MS);
        return this.send(action.id, { tsgate: "quit" });
      case "close-sockets":
        this.#options.pool.socketsClosed();
        return this.#options.holdings.closeListeners();
      default:
        return assertNever(action);
    }
  }

  send(id: number, order: Order): void {
    this.#processes.get(id)?.send(order);
  }

  /** Sends it a copy of each socket. */
  sendListeners(id: number): void {
    this.#processes.get(id)?.sendListeners(this.#options.holdings.listeners);
  }

  /** Sends it a copy of another's idle connection. */
  sendConnection(id: number, move: number, handle: RawHandle, introduction?: Introduction): void {
    this.#processes.get(id)?.sendConnection(move, handle, introduction);
  }

  /** Finds out what blocks the worker, without waiting for it here: `examined` is called with it. */
  examine(id: number, cause: EndCause, now: number): void {
    const { pool, examined } = this.#options;
    const process = this.#processes.get(id);
    const worker = pool.worker(id);
    if (worker === undefined || process === undefined) return;
    pool.examining(id, cause, now);
    void this.#examination(worker, process, now).then((examination) => examined(id, cause, examination));
  }

  /** The same, and it lives on as if nothing had been. Undefined when there is no such worker. */
  async look(id: number, now: number): Promise<Examination | undefined> {
    const process = this.#processes.get(id);
    const worker = this.#options.pool.worker(id);
    if (worker === undefined || process === undefined) return undefined;
    // Read when its event loop runs again, which may be in the middle of the asking, or after it.
    this.send(id, { tsgate: "asked" });
    const examination = await this.#examination(worker, process, now);
    this.send(id, { tsgate: "asked" });
    return examination;
  }

  /** One at a time: whoever asks while it is asked gets the same answer. */
  async #examination(worker: WorkerRecord, process: WorkerProcess, now: number): Promise<Examination> {
    const { id } = worker;
    const known = this.#examinations.get(id);
    if (known !== undefined) return known;
    const url = this.#inspectors.get(id);
    const way: AskingWay = url !== undefined && worker.askedBy.by === "signal" ? { by: "url", url } : worker.askedBy;
    const suspect = {
      pid: worker.pid,
      way,
      relay: process.relay,
      silentMs: now - (worker.lastBeat?.at ?? worker.spawnedAt),
      cpuMsAtBeat: worker.lastBeat?.cpuMs,
      signal: () => process.signal("SIGUSR1"),
      opened: (where: string) => void this.#inspectors.set(id, where),
    };
    const examination = examine(suspect).finally(() => this.#examinations.delete(id));
    this.#examinations.set(id, examination);
    return examination;
  }

  /** @param examination what was found out about it; undefined when it was not asked, or did not answer in time */
  kill(id: number, cause: EndCause, examination?: Examination): void {
    const { pool, journal } = this.#options;
    const worker = pool.worker(id);
    if (worker === undefined || worker.isKilled) return;
    journal.killed(worker, cause, examination);
    pool.killed(id, cause);
    this.#processes.get(id)?.kill();
  }

  /** Kills whoever is left, when the master itself has to go. */
  killAll(): void {
    for (const process of this.#processes.values()) process.kill();
  }

  forget(id: number): void {
    this.#processes.delete(id);
    this.#inspectors.delete(id);
  }

  #spawn(slot: number, generation: number, now: number): void {
    const { pool, journal, releases, events } = this.#options;
    const release = releases.of(generation);
    const options = forkOptions(release, pool.target);
    const process = takeSpare(options) ?? new WorkerProcess(options);
    this.#processes.set(process.id, process);
    const { settings } = release.configuration;
    const recycling = recyclingLimits(settings, pool, slot, now, Math.random());
    pool.spawned(process.id, process.pid, slot, generation, now, workerLimits(settings), recycling);
    const worker = pool.worker(process.id);
    if (worker !== undefined) journal.spawned(worker);
    process.attach(events);
  }

  #drain({ id, why }: Extract<Action, { do: "drain" }>, now: number): void {
    const { pool, journal } = this.#options;
    const worker = pool.worker(id);
    const deadlineMs = pool.draining(id, why, now);
    if (worker !== undefined) journal.draining(worker, why, recyclingFacts(worker, why, now));
    this.send(id, { tsgate: "drain", why, wholeServer: pool.stop !== undefined, deadlineMs });
  }
}
