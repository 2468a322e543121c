/**
 * A pool played through generated histories: time, processes and the operator are values here. Each step is one event;
 * after each the policies are asked what to do, as the arbiter does it, and the invariants are checked.
 */

import type { Usage } from "../../../src/messages.ts";
import { nextAction } from "../../../src/master/reconcile.ts";
import {
  type EndCause,
  EXAMINATION_MS,
  isServing,
  KILL_MARGIN_MS,
  type WorkerRecord,
} from "../../../src/master/model.ts";
import { nearestDeadline } from "../../../src/master/nearest-deadline.ts";
import { recyclingDue, recyclingLimits } from "../../../src/master/recycling.ts";
import { afterFailure, nextStep } from "../../../src/master/rollout.ts";
import { resize, surgeFor } from "../../../src/master/scaling.ts";
import { overdue, silentAt } from "../../../src/master/watchdog.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";

export type Happening =
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "progress"; readonly pick: number }
  | { readonly kind: "beat" }
  | { readonly kind: "crash"; readonly pick: number }
  | { readonly kind: "hang"; readonly pick: number }
  /** One that is asked what blocks it has answered. */
  | { readonly kind: "answer"; readonly pick: number }
  | { readonly kind: "uncaught"; readonly pick: number }
  | { readonly kind: "unwanted"; readonly pick: number }
  | { readonly kind: "served"; readonly pick: number; readonly requests: number }
  | { readonly kind: "swollen"; readonly pick: number }
  | { readonly kind: "leave"; readonly pick: number }
  | { readonly kind: "reload" }
  | { readonly kind: "scale"; readonly change: 1 | -1 }
  | { readonly kind: "stop"; readonly how: "graceful" | "quick"; readonly delayMs?: number };

const GRACEFUL_MS = 3000;
const SURGE = { kind: "percent", value: 25 } as const;
const RECYCLING = { maxRequests: 50, maxRequestsJitter: 50, maxWorkerAge: 20_000, maxMemory: 1000 };

export class Simulation {
  now = 1000;
  readonly pool: WorkerPool;
  /** Everything ever spawned, and everything whose end was seen. */
  spawned = 0;
  reaped = 0;
  isHalted = false;
  rolloutsDone = 0;
  rolloutsAborted = 0;
  recycled = 0;
  maxLive = 0;
  readonly violations: string[] = [];
  #nextId = 1;
  #generation = 1;
  readonly #hung = new Set<number>();
  /** When each that was asked what blocks it was. */
  readonly #asked = new Map<number, number>();
  readonly #random: () => number;
  /** Ready workers when the rollout began, less those that died by themselves since. */
  #readyFloor: number | undefined;
  /** How many served or booted when the target was last changed: fewer workers may also mean a smaller surge. */
  #leftFromBefore = 0;

  constructor(target: number, random: () => number) {
    this.#random = random;
    this.pool = new WorkerPool(target, limits(target), this.now);
    this.pool.beginRollout(this.#generation, this.now);
    this.#reconcile();
  }

  happen(event: Happening): void {
    switch (event.kind) {
      case "time":
        this.#pass(event.ms);
        break;
      case "progress":
        this.#progress(this.#choose(event.pick, (worker) => worker.state.name === "booting"));
        break;
      case "beat":
        for (const { id } of this.pool.workers) if (!this.#hung.has(id)) this.pool.heartbeat(id, this.now);
        break;
      case "crash":
        this.#end(
          this.#choose(event.pick, () => true),
          1,
        );
        break;
      case "hang": {
        const worker = this.#choose(event.pick, () => true);
        if (worker !== undefined) this.#hung.add(worker.id);
        break;
      }
      case "answer": {
        const worker = this.#choose(event.pick, ({ examined }) => examined !== undefined);
        if (worker?.examined !== undefined) this.#kill(worker, worker.examined.cause);
        break;
      }
      case "uncaught": {
        const worker = this.#choose(event.pick, ({ state }) => state.name === "ready");
        if (worker === undefined) break;
        this.#lowerFloor(worker);
        this.pool.failing(worker.id, "uncaught exception", this.now, this.#random());
        this.#failed(worker.generation);
        break;
      }
      case "unwanted": {
        const worker = this.#choose(event.pick, ({ state }) => state.name === "ready");
        if (worker !== undefined) this.pool.unwanted(worker.id, "terminated", this.now + 250);
        break;
      }
      case "served":
        this.#beatOf(event.pick, ({ usage }) => ({ ...usage, requests: usage.requests + event.requests }));
        break;
      case "swollen":
        this.#beatOf(event.pick, ({ usage }) => ({ ...usage, rssBytes: RECYCLING.maxMemory + 1 }));
        break;
      case "leave":
        this.#end(
          this.#choose(event.pick, ({ id, state }) => state.name === "draining" && !this.#hung.has(id)),
          0,
        );
        break;
      case "reload":
        if (this.pool.stop !== undefined) break;
        this.pool.beginRollout(++this.#generation, this.now);
        // A canary that the new reload supersedes was never counted on.
        this.#readyFloor = Math.min(
          this.pool.target,
          this.#readyCount((worker) => worker.generation <= this.pool.generation),
        );
        break;
      case "scale": {
        if (this.pool.stop !== undefined) break;
        const target = resize(this.pool.target, event.change);
        // Whoever asks for fewer gets fewer.
        if (target < this.pool.target && this.#readyFloor !== undefined)
          this.#readyFloor = Math.min(this.#readyFloor, target);
        this.#leftFromBefore = this.#servingInSeats();
        this.pool.resize(target, limits(target));
        break;
      }
      case "stop":
        if (this.pool.stop?.kind !== "quick") {
          const { how, delayMs = 0 } = event;
          this.pool.beginStop({ kind: how, serveUntil: this.now + delayMs });
        }
        break;
    }
    this.#reconcile();
    this.#check();
  }

  /** Lets everybody do what is expected of them until nothing is left to do. */
  settle(): void {
    this.#hung.clear();
    for (let step = 0; step < 5000 && !this.isSettled(); step++) {
      this.happen({ kind: "beat" });
      for (const worker of this.pool.workers) {
        if (worker.state.name === "booting") this.#progress(worker);
        else if (worker.state.name === "draining") this.#end(worker, 0);
      }
      this.happen({ kind: "time", ms: 200 });
    }
  }

  isSettled(): boolean {
    if (this.pool.stop !== undefined) return this.pool.workers.length === 0;
    const seats = this.pool.workers.filter(({ state }) => state.name === "ready").map(({ slot }) => slot);
    const isFull = seats.length === this.pool.target && new Set(seats).size === seats.length;
    return (
      isFull &&
      this.pool.workers.length === seats.length &&
      this.pool.rollout === undefined &&
      !this.pool.workers.some(({ unwanted }) => unwanted)
    );
  }

  /** As the arbiter does: wakes at each deadline on the way. */
  #pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const dueAt = nearestDeadline(this.pool, Number.POSITIVE_INFINITY, this.now);
      if (dueAt > until) break;
      this.now = Math.max(this.now, dueAt);
      for (const { id, cause, isAskedFirst } of overdue(this.pool.workers, this.now)) {
        const worker = this.pool.worker(id);
        if (worker === undefined) continue;
        if (isAskedFirst) this.#ask(worker, cause);
        else this.#kill(worker, cause);
      }
      for (const worker of this.pool.workers) if (silentAt(worker) <= this.now) this.pool.silent(worker.id);
      this.#reconcile();
      this.#check();
    }
    this.now = until;
  }

  #beatOf(pick: number, usage: (worker: WorkerRecord) => Usage): void {
    const worker = this.#choose(pick, ({ id, state }) => state.name === "ready" && !this.#hung.has(id));
    if (worker !== undefined) this.pool.heartbeat(worker.id, this.now, usage(worker));
  }

  #ask(worker: WorkerRecord, cause: EndCause): void {
    if (this.#asked.has(worker.id)) this.violations.push(`worker ${worker.id} was asked twice`);
    this.#asked.set(worker.id, this.now);
    this.pool.examining(worker.id, cause, this.now);
  }

  #kill(worker: WorkerRecord, cause: EndCause): void {
    const askedAt = this.#asked.get(worker.id);
    if (askedAt !== undefined && this.now > askedAt + EXAMINATION_MS)
      this.violations.push(`worker ${worker.id} was killed ${this.now - askedAt} ms after it was asked`);
    this.pool.killed(worker.id, cause);
    this.#end(worker, null);
  }

  #progress(worker: WorkerRecord | undefined): void {
    if (worker?.state.name !== "booting" || this.#hung.has(worker.id)) return;
    switch (worker.state.progress) {
      case "forked":
        return this.pool.greeted(worker.id);
      case "greeted":
        return this.pool.loaded(worker.id);
      case "loaded":
        return this.pool.started(worker.id, this.now);
      case "listening":
        this.pool.ready(worker.id, this.now);
        return;
      case "started":
        return;
    }
  }

  #end(worker: WorkerRecord | undefined, code: number | null): void {
    if (worker === undefined || this.pool.worker(worker.id) === undefined) return;
    const isOwnDeath = this.pool.worker(worker.id)?.state.name === "ready";
    if (isOwnDeath) this.#lowerFloor(worker);
    const departure = this.pool.exited(worker.id, code, code === null ? "SIGKILL" : null, this.now, this.#random());
    if (departure === undefined) return;
    this.reaped++;
    this.#hung.delete(worker.id);
    if (departure.isAbnormal && departure.cause !== "uncaught exception") this.#failed(worker.generation);
  }

  #failed(generation: number): void {
    switch (afterFailure(this.pool.rollout, generation)) {
      case "halt":
        this.isHalted = true;
        return this.pool.beginStop({ kind: "quick", serveUntil: 0 });
      case "abort":
        this.rolloutsAborted++;
        this.#readyFloor = undefined;
        return this.pool.endRollout();
      case "count":
        return this.pool.countRolloutFailure();
      case "ignore":
        return;
    }
  }

  #reconcile(): void {
    const step = nextStep(this.pool, this.now);
    if (step === "promote") this.pool.promoteRollout();
    if (step === "done") {
      this.rolloutsDone++;
      this.#readyFloor = undefined;
      this.pool.endRollout();
    }
    for (const { id, why } of recyclingDue(this.pool, this.now)) {
      this.pool.unwanted(id, why, this.now);
      const isReloading = this.pool.rollout?.isFirstStart === false;
      if (isReloading || this.pool.stop !== undefined)
        this.violations.push("began to recycle during a reload or a stop");
    }
    for (let count = 0; ; count++) {
      const action = nextAction(this.pool, this.now);
      if (action === undefined) break;
      if (count > 1000) throw new Error(`no end of actions: ${JSON.stringify(action)}`);
      switch (action.do) {
        case "spawn":
          this.#spawn(action.slot, action.generation);
          break;
        case "listen":
          this.pool.listenOrdered(action.id);
          break;
        case "drain":
          this.#checkRetirement(action.id, action.why);
          if (action.why.startsWith("max ")) this.recycled++;
          this.pool.draining(action.id, action.why, this.now);
          break;
        case "close-sockets":
          if (isServing(this.pool, this.now)) this.violations.push("closed the sockets while it was to serve");
          if (this.pool.workers.some((worker) => worker.cause === "stop"))
            this.violations.push("closed the sockets after a worker could have");
          this.pool.socketsClosed();
          break;
        case "quit":
          this.pool.quitting(action.id, "stop", this.now, KILL_MARGIN_MS);
          break;
      }
    }
    this.maxLive = Math.max(this.maxLive, this.pool.workers.length);
  }

  #spawn(slot: number, generation: number): void {
    const holdsSeat = (worker: WorkerRecord): boolean =>
      worker.slot === slot && worker.state.name !== "draining" && worker.generation <= this.pool.generation;
    const isSuccessor = generation > this.pool.generation || this.pool.workers.some(holdsSeat);
    if (isSuccessor && this.pool.rollout === undefined) this.#checkOneAtATime(slot);
    const id = this.#nextId++;
    const recycling = recyclingLimits(RECYCLING, this.pool, slot, this.now, this.#random());
    this.pool.spawned(id, 1000 + id, slot, generation, this.now, undefined, recycling);
    this.spawned++;
    const room = this.pool.target + this.pool.limits.surge;
    if (isSuccessor && this.pool.workers.length > room)
      this.violations.push(`a replacement made ${this.pool.workers.length} of ${room} workers`);
    if (slot >= this.pool.target) this.violations.push(`spawned in slot ${slot} of ${this.pool.target}`);
    if (!isServing(this.pool, this.now)) this.violations.push("spawned during a stop");
    if (this.pool.stop !== undefined && isSuccessor) this.violations.push("replaced one that serves during a stop");
  }

  /** A single worker is replaced only while no other is, and those who have waited longer come first. */
  #checkOneAtATime(slot: number): void {
    const isOnItsWay = ({ state, unwanted }: WorkerRecord): boolean =>
      state.name === "booting" || (state.name === "draining" && unwanted !== undefined);
    if (this.pool.workers.some(isOnItsWay)) this.violations.push("two replaced at a time");
    const since = (worker: WorkerRecord): number => worker.unwanted?.notBefore ?? Infinity;
    const waiting = this.pool.workers.filter(
      (worker) =>
        worker.state.name === "ready" &&
        worker.slot < this.pool.target &&
        this.pool.slotHistory(worker.slot).notBefore <= this.now,
    );
    const longest = Math.min(...waiting.map(since));
    if (!waiting.some((worker) => worker.slot === slot && since(worker) === longest))
      this.violations.push(`slot ${slot} is replaced before one that has waited longer`);
  }

  /** Nobody who serves is retired for a reload unless the same seat has another ready worker. */
  #checkRetirement(id: number, why: string): void {
    const worker = this.pool.worker(id);
    if (worker?.state.name !== "ready" || !REPLACED_FIRST.has(why)) return;
    const isReplaced = this.pool.workers.some(
      (other) => other.id !== id && other.slot === worker.slot && other.state.name === "ready",
    );
    if (!isReplaced) this.violations.push(`retired ${id} of slot ${worker.slot} (${why}) without a ready replacement`);
  }

  #check(): void {
    // One that is too many since a scaling down may stay until enough others serve.
    const serving = this.#servingInSeats();
    this.#leftFromBefore = Math.min(this.#leftFromBefore, serving);
    const room = Math.max(this.pool.target + this.pool.limits.surge, this.#leftFromBefore);
    if (this.pool.stop === undefined && serving > room)
      this.violations.push(`${serving} booting or ready, ${room} allowed`);
    if (this.#readyFloor !== undefined && this.pool.stop === undefined && this.#readyCount() < this.#readyFloor) {
      this.violations.push(`${this.#readyCount()} ready during a rollout that began with ${this.#readyFloor}`);
    }
  }

  #servingInSeats(): number {
    return this.pool.workers.filter(({ slot, state }) => slot < this.pool.target && state.name !== "draining").length;
  }

  #lowerFloor(worker: WorkerRecord): void {
    if (worker.state.name === "ready" && this.#readyFloor !== undefined) this.#readyFloor--;
  }

  #readyCount(fits: (worker: WorkerRecord) => boolean = () => true): number {
    return this.pool.workers.filter((worker) => worker.state.name === "ready" && fits(worker)).length;
  }

  #choose(pick: number, fits: (worker: WorkerRecord) => boolean): WorkerRecord | undefined {
    const fitting = this.pool.workers.filter(fits);
    return fitting.length === 0 ? undefined : fitting[pick % fitting.length];
  }
}

const REPLACED_FIRST = new Set(["reload", "terminated", "unhealthy", "max requests", "max age", "max memory"]);

function limits(target: number): WorkerPool["limits"] {
  return {
    surge: surgeFor(SURGE, target),
    bootTimeoutMs: 5000,
    heartbeatTimeoutMs: 2000,
    gracefulTimeoutMs: GRACEFUL_MS,
  };
}
