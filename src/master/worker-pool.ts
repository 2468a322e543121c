/**
 * The registry of workers and the only writer of the master's state. Each method is one fact or one order and moves
 * the state accordingly; what to do about it is the policies' matter. Knows no process, no signal and no clock: the
 * instant comes with each call, so that histories of events can be played through it.
 */

import { deadlineAfter } from "../deadline.ts";
import type { AskingWay } from "../hung-account.ts";
import type { DrainReason, Usage } from "../messages.ts";
import {
  type BootFailure,
  type Departure,
  type EndCause,
  type PoolCounts,
  type PoolLimits,
  type PoolView,
  type RecyclingLimits,
  type Rollout,
  type SlotHistory,
  type StopPlan,
  type WorkerLimits,
  type WorkerRecord,
  BOOTING_DRAIN_MS,
  EXAMINATION_MS,
  isServing,
  KILL_MARGIN_MS,
} from "./model.ts";
import { causeOfExit, isBegunByWorker, isPlanned } from "./exit-cause.ts";
import { afterBeat, NO_RECYCLING } from "./recycling.ts";
import { STABLE_AFTER_MS } from "./restart-policy.ts";
import { settleMs } from "./rollout.ts";
import { Slots } from "./slots.ts";
import { newWorker } from "./new-worker.ts";

export class WorkerPool implements PoolView {
  target: number;
  limits: PoolLimits;
  generation = 0;
  rollout: Rollout | undefined;
  stop: StopPlan | undefined;
  areSocketsClosed = false;
  /** Since when no worker has been ready; undefined while one is. */
  noneReadySince: number | undefined;
  readonly #byId = new Map<number, WorkerRecord>();
  readonly #slots = new Slots();
  #goneCount = 0;

  constructor(target: number, limits: PoolLimits, now: number) {
    this.target = target;
    this.limits = limits;
    this.noneReadySince = now;
  }

  get workers(): readonly WorkerRecord[] {
    return [...this.#byId.values()];
  }

  worker(id: number): WorkerRecord | undefined {
    return this.#byId.get(id);
  }

  slotHistory(slot: number): SlotHistory {
    return this.#slots.of(slot);
  }

  counts(): PoolCounts {
    const counts = { booting: 0, ready: 0, draining: 0, gone: this.#goneCount };
    for (const { state } of this.#byId.values()) if (state.name !== "gone") counts[state.name]++;
    return counts;
  }

  /** Slots that have backed off at least twice since they were last stable. */
  degradedSlots(): number[] {
    return this.#slots.degraded();
  }

  resize(target: number, limits: PoolLimits): void {
    this.target = target;
    this.limits = limits;
  }

  beginRollout(generation: number, now: number): void {
    this.rollout = { generation, stage: "canary", isFirstStart: this.generation === 0, startedAt: now, failures: 0 };
  }

  promoteRollout(): void {
    if (this.rollout === undefined) return;
    this.generation = this.rollout.generation;
    this.rollout = { ...this.rollout, stage: "rolling" };
    // The new code starts with a clean slate: what the old one did to its slots says nothing about it.
    this.#slots.clear();
  }

  countRolloutFailure(): void {
    if (this.rollout !== undefined) this.rollout = { ...this.rollout, failures: this.rollout.failures + 1 };
  }

  endRollout(): void {
    this.rollout = undefined;
  }

  beginStop(plan: StopPlan): void {
    this.stop = plan;
    this.rollout = undefined;
  }

  spawned(
    id: number,
    pid: number,
    slot: number,
    generation: number,
    now: number,
    limits: WorkerLimits = this.limits,
    recycling: RecyclingLimits = NO_RECYCLING,
  ): void {
    const deadline = deadlineAfter(now, limits.bootTimeoutMs) + settleMs(this.rollout, generation);
    this.#byId.set(id, newWorker({ id, pid, slot, generation, spawnedAt: now, deadline, limits, recycling }));
  }

  /** Its process runs and has said hello. */
  greeted(id: number): void {
    this.#boot(id, (state) => ({ ...state, progress: "greeted" }));
  }

  /** Of several applications, it has come to this one. */
  loading(id: number, application: string): void {
    this.#update(id, { loading: application });
  }

  /** Its boot goes on only when the application does what, in the words of `lacks`, it has not done. */
  waiting(id: number, lacks: string): void {
    this.#update(id, { lacks });
  }

  /** Its application has been found. */
  loaded(id: number): void {
    this.#update(id, { loading: undefined, lacks: undefined });
    this.#boot(id, (state) => ({ ...state, progress: "loaded" }));
  }

  /** Its `startup()` has settled: it may listen, a reload's canary after it has settled. */
  started(id: number, now: number): void {
    const generation = this.#byId.get(id)?.generation ?? 0;
    this.#boot(id, (state) => ({ ...state, progress: "started", listenAt: now + settleMs(this.rollout, generation) }));
  }

  /** It was told to listen. */
  listenOrdered(id: number): void {
    this.#boot(id, (state) => ({ ...state, progress: "listening" }));
  }

  /** It listens; returns how long its boot took in milliseconds, or undefined if it was not booting. */
  ready(id: number, now: number): number | undefined {
    const worker = this.#byId.get(id);
    if (worker?.state.name !== "booting") return undefined;
    this.#update(id, {
      state: { name: "ready", since: now, deadline: deadlineAfter(now, worker.limits.heartbeatTimeoutMs) },
      lastBeat: { at: now, cpuMs: undefined },
    });
    this.noneReadySince = undefined;
    return now - worker.spawnedAt;
  }

  /** @param cpuMs what its process has used so far */
  heartbeat(id: number, now: number, usage?: Usage, cpuMs?: number): void {
    this.#update(id, { lastBeat: { at: now, cpuMs }, isSilent: false });
    const worker = this.#byId.get(id);
    if (worker === undefined) return;
    // The last one comes when it has drained.
    if (usage !== undefined) this.#update(id, { usage: afterBeat(worker.usage, usage, worker.recycling) });
    if (worker.state.name !== "ready") return;
    this.#update(id, { state: { ...worker.state, deadline: deadlineAfter(now, worker.limits.heartbeatTimeoutMs) } });
    // Proof of stability is a minute of beats; then the slot's past is forgotten. While one that is to be replaced stays,
    // that past is its successors', of whom none has stayed.
    const isStable = worker.state.since + STABLE_AFTER_MS <= now && worker.unwanted === undefined;
    if (isStable && worker.generation === this.generation) this.#slots.forget(worker.slot);
  }

  /** It has not beaten for so long that it does not count as one that answers, until it beats again. */
  silent(id: number): void {
    this.#update(id, { isSilent: true });
  }

  /** How it can be asked what blocks its event loop has changed. */
  askedBy(id: number, way: AskingWay): void {
    this.#update(id, { askedBy: way });
  }

  /** It is overdue because of `cause`, and is asked what blocks it before it is killed. */
  examining(id: number, cause: EndCause, now: number): void {
    this.#end(id, cause, { examined: { cause, until: now + EXAMINATION_MS } });
  }

  /** It serves, but is to be replaced, not before `notBefore`; the first reason stays. Nothing to one that leaves. */
  unwanted(id: number, why: DrainReason, notBefore: number): void {
    const worker = this.#byId.get(id);
    if (worker?.state.name === "draining" || worker?.unwanted !== undefined) return;
    this.#update(id, { unwanted: { why, notBefore } });
  }

  /** It drains, told or by itself; returns the deadline it has in milliseconds from now. */
  draining(id: number, why: DrainReason, now: number): number {
    const worker = this.#byId.get(id);
    if (worker === undefined) return 0;
    const deadlineMs = worker.state.name === "booting" ? BOOTING_DRAIN_MS : worker.limits.gracefulTimeoutMs;
    this.#end(id, why, { state: { name: "draining", why, deadline: now + deadlineMs + KILL_MARGIN_MS } });
    this.#noteNoneReady(now);
    return deadlineMs;
  }

  socketsClosed(): void {
    this.areSocketsClosed = true;
  }

  /** It has begun to drain by itself, because of the application: its slot is free, and has failed. */
  failing(id: number, why: DrainReason, now: number, random: number): void {
    const worker = this.#byId.get(id);
    if (worker === undefined || worker.state.name === "draining") return;
    const readyForMs = worker.state.name === "ready" ? now - worker.state.since : 0;
    this.#slotFailed(worker, readyForMs, now, random);
    this.draining(id, why, now);
  }

  /** It was told to leave at once; it is killed if it has not gone within `graceMs`. */
  quitting(id: number, why: DrainReason, now: number, graceMs: number): void {
    this.#end(id, why, { hasQuitOrder: true, state: { name: "draining", why, deadline: now + graceMs } });
    this.#noteNoneReady(now);
  }

  /** SIGKILL was sent. */
  killed(id: number, cause: EndCause): void {
    this.#end(id, cause, { isKilled: true });
  }

  bootFailed(id: number, failure: BootFailure): void {
    const worker = this.#byId.get(id);
    if (worker !== undefined && worker.failure === undefined) this.#end(id, "boot failed", { failure });
  }

  /** It has gone: `code` and `signal` are what the system says of its end. */
  exited(
    id: number,
    code: number | null,
    signal: string | null,
    now: number,
    random: number,
    isOomKill = false,
  ): Departure | undefined {
    const worker = this.#byId.get(id);
    if (worker === undefined) return undefined;
    this.#byId.delete(id);
    this.#goneCount++;
    this.#noteNoneReady(now);
    const cause = worker.cause ?? causeOfExit({ code, signal, isOomKill }, worker);
    const isAbnormal = !isPlanned(cause) && isServing(this, now);
    const readyForMs = worker.state.name === "ready" ? now - worker.state.since : 0;
    if ((isAbnormal && !isBegunByWorker(worker.state)) || worker.unwanted?.why === "unhealthy")
      this.#slotFailed(worker, readyForMs, now, random);
    return {
      worker: { ...worker, cause, state: { name: "gone" } },
      lastState: worker.state,
      failure: worker.failure,
      loading: worker.loading,
      lacks: worker.lacks,
      cause,
      isAbnormal,
    };
  }

  /** Moves every deadline by `ms`, the beginning of each state, and the last beats: the master was not running, so it has seen nothing of that time. */
  postpone(ms: number): void {
    for (const worker of this.#byId.values()) {
      if (worker.state.name === "gone") continue;
      const { state, examined, lastBeat } = worker;
      const deadline = state.deadline + ms;
      const moved = state.name === "ready" ? { ...state, deadline, since: state.since + ms } : { ...state, deadline };
      this.#update(worker.id, { state: moved });
      if (lastBeat !== undefined) this.#update(worker.id, { lastBeat: { ...lastBeat, at: lastBeat.at + ms } });
      if (examined !== undefined) this.#update(worker.id, { examined: { ...examined, until: examined.until + ms } });
    }
    if (this.noneReadySince !== undefined) this.noneReadySince += ms;
    if (this.stop !== undefined) this.stop = { ...this.stop, serveUntil: this.stop.serveUntil + ms };
  }

  #slotFailed({ slot, generation }: WorkerRecord, readyForMs: number, now: number, random: number): void {
    // A canary that fails says nothing about the generation whose workers hold the seats.
    if (generation > this.generation) return;
    this.#slots.failed(slot, readyForMs, now, random);
  }

  #boot(id: number, change: (state: BootingState) => BootingState): void {
    const worker = this.#byId.get(id);
    if (worker?.state.name === "booting") this.#update(id, { state: change(worker.state) });
  }

  /** Records why its end comes, unless somebody knew before. */
  #end(id: number, cause: EndCause, change: Partial<WorkerRecord>): void {
    const worker = this.#byId.get(id);
    if (worker !== undefined) this.#update(id, { ...change, cause: worker.cause ?? cause });
  }

  #update(id: number, change: Partial<WorkerRecord>): void {
    const worker = this.#byId.get(id);
    if (worker !== undefined) this.#byId.set(id, { ...worker, ...change });
  }

  #noteNoneReady(now: number): void {
    const isAnyReady = [...this.#byId.values()].some((worker) => worker.state.name === "ready");
    if (!isAnyReady && this.noneReadySince === undefined) this.noneReadySince = now;
  }
}

type BootingState = Extract<WorkerRecord["state"], { name: "booting" }>;
