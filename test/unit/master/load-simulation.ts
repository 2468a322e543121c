/**
 * Workers and clients as far as balance sees them, in simulated time: connections that come and go, a kernel that always
 * wakes the same worker first, messages that take their time, workers that die, hang and are full.
 */

import { Balancer } from "../../../src/master/balancer.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";
import type { Order } from "../../../src/messages.ts";
import { isFull } from "../../../src/worker/connection-limit.ts";

export interface SimulationOptions {
  readonly workers: number;
  /** 0 … 1 */
  readonly random: () => number;
  /** `--worker-connections`; 0 for any number. */
  readonly limit?: number;
}

interface SimulatedWorker {
  readonly id: number;
  connections: number;
  isPaused: boolean;
  isFull: boolean;
  isHung: boolean;
  told: number;
  toldAt: number;
  /** When the last message on its way to it, and from it, arrives. */
  arrives: { order: number; report: number };
  /** What is on its way to it. */
  mailbox: Order[];
}

const LIMITS = { surge: 1, bootTimeoutMs: 0, heartbeatTimeoutMs: 30_000, gracefulTimeoutMs: 1000 };
const BEAT_MS = 1000;
const TELL_EVERY_MS = 10;

export class LoadSimulation {
  now = 0;
  pauses = 0;
  /** For how long nobody has accepted at most, while somebody could have. */
  longestGapMs = 0;
  #gapSince: number | undefined;
  /** Connections that nobody has accepted yet. */
  waiting = 0;
  readonly #options: SimulationOptions;
  readonly #pool: WorkerPool;
  readonly #balancer: Balancer;
  readonly #workers = new Map<number, SimulatedWorker>();
  readonly #agenda: { readonly at: number; readonly do: () => void }[] = [];
  #newestId = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#pool = new WorkerPool(options.workers, LIMITS, 0);
    this.#balancer = new Balancer({
      pool: this.#pool,
      crew: { send: (id, order) => this.#send(id, order) },
      journal: { paused: () => this.pauses++, resumed: () => {} },
    });
    this.#pool.beginRollout(1, 0);
    this.#pool.promoteRollout();
    for (let slot = 0; slot < options.workers; slot++) this.#start(slot);
  }

  /** What each worker holds. */
  get held(): number[] {
    return [...this.#workers.values()].map(({ connections }) => connections);
  }

  connect(): void {
    this.waiting++;
    this.#accept();
  }

  /** One of the connections of a worker closes. */
  disconnect(pick: number): void {
    const worker = this.#choose(pick, ({ connections }) => connections > 0);
    if (worker !== undefined) this.#count(worker, -1);
    this.#accept();
  }

  hang(pick: number): void {
    const worker = this.#choose(pick, ({ isHung }) => !isHung);
    if (worker !== undefined) worker.isHung = true;
    this.#look();
  }

  /** All that hang go on. */
  wake(): void {
    for (const worker of this.#workers.values()) {
      worker.isHung = false;
      this.#obey(worker);
    }
  }

  /** A worker dies with its connections, and is replaced. */
  kill(pick: number): void {
    const worker = this.#choose(pick, () => true);
    if (worker === undefined) return;
    const slot = this.#pool.worker(worker.id)?.slot ?? 0;
    this.#workers.delete(worker.id);
    this.#pool.exited(worker.id, null, "SIGKILL", this.now, 0);
    this.#balancer.settle(this.now);
    this.#later(100, () => this.#start(slot));
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const looksAt = this.#balancer.looksAgainAt(this.now);
      const next = this.#agenda[0];
      this.now = Math.min(until, looksAt, next?.at ?? until);
      if (next !== undefined && next.at <= this.now) this.#agenda.shift()?.do();
      else if (looksAt <= this.now) this.#balancer.settle(this.now);
      else return this.#look();
      this.#look();
    }
  }

  #start(slot: number): void {
    const id = ++this.#newestId;
    this.#pool.spawned(id, id, slot, 1, this.now);
    this.#pool.ready(id, this.now);
    const idle = { connections: 0, isPaused: false, isFull: false, isHung: false, told: 0, toldAt: 0 };
    const worker: SimulatedWorker = { id, ...idle, arrives: { order: 0, report: 0 }, mailbox: [] };
    this.#workers.set(id, worker);
    this.#balancer.settle(this.now);
    const beat = (): void => {
      if (!this.#workers.has(id)) return;
      if (!worker.isHung) this.#tell(worker);
      this.#later(BEAT_MS, beat);
    };
    this.#later(BEAT_MS, beat);
    this.#accept();
  }

  /** The kernel wakes the first that listens. */
  #accept(): void {
    while (this.waiting > 0) {
      const worker = [...this.#workers.values()].find((one) => isListening(one) && !one.isHung);
      if (worker === undefined) return;
      this.waiting--;
      this.#count(worker, 1);
    }
  }

  #count(worker: SimulatedWorker, change: 1 | -1): void {
    worker.connections += change;
    const wasListening = isListening(worker);
    worker.isFull = isFull(worker.connections, this.#options.limit ?? 0, worker.isFull);
    if (worker.isHung) return;
    const isNews = Math.abs(worker.connections - worker.told) >= 2 && this.now >= worker.toldAt + TELL_EVERY_MS;
    if (isNews || wasListening !== isListening(worker)) this.#tell(worker);
  }

  #tell(worker: SimulatedWorker): void {
    worker.told = worker.connections;
    worker.toldAt = this.now;
    const { connections } = worker;
    const load = {
      connections,
      open: connections,
      utilization: 0.02,
      isAccepting: isListening(worker),
      isFull: worker.isFull,
    };
    worker.arrives.report = Math.max(worker.arrives.report, this.now + this.#delay());
    this.#later(worker.arrives.report - this.now, () => {
      this.#balancer.heard(worker.id, load, this.now);
      this.#balancer.settle(this.now);
    });
  }

  #send(id: number, order: Order): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    worker.mailbox.push(order);
    worker.arrives.order = Math.max(worker.arrives.order, this.now + this.#delay());
    this.#later(worker.arrives.order - this.now, () => this.#obey(worker, 1));
  }

  #obey(worker: SimulatedWorker, count = Number.POSITIVE_INFINITY): void {
    if (worker.isHung) return;
    for (const order of worker.mailbox.splice(0, count)) {
      if (order.tsgate === "pause" || order.tsgate === "resume") worker.isPaused = order.tsgate === "pause";
      this.#tell(worker);
    }
    this.#accept();
  }

  #look(): void {
    const able = [...this.#workers.values()].filter((worker) => !worker.isHung && !worker.isFull);
    const isServed = able.some((one) => !one.isPaused || one.mailbox.some(({ tsgate }) => tsgate === "resume"));
    if (this.#gapSince !== undefined) this.longestGapMs = Math.max(this.longestGapMs, this.now - this.#gapSince);
    this.#gapSince = isServed || able.length === 0 ? undefined : (this.#gapSince ?? this.now);
  }

  #later(ms: number, act: () => void): void {
    const at = this.now + ms;
    const index = this.#agenda.findIndex((one) => one.at > at);
    this.#agenda.splice(index === -1 ? this.#agenda.length : index, 0, { at, do: act });
  }

  #delay(): number {
    return this.#options.random() * 5;
  }

  #choose(pick: number, fits: (worker: SimulatedWorker) => boolean): SimulatedWorker | undefined {
    const fitting = [...this.#workers.values()].filter(fits);
    return fitting[pick % Math.max(1, fitting.length)];
  }
}

function isListening({ isPaused, isFull }: SimulatedWorker): boolean {
  return !isPaused && !isFull;
}
