/**
 * Compares what is wanted with what is there and says what to do next. Pure: it is asked again after each action
 * until it has nothing to say, so each answer rests on the state that the last action left.
 *
 * Invariants: an old worker is retired only when a ready one of the same slot replaces it; a replacement is spawned
 * only while fewer than target + surge workers live; an empty slot is filled as soon as its back-off allows.
 */

import { NEVER } from "../deadline.ts";
import type { DrainReason } from "../messages.ts";
import { type PoolView, type WorkerRecord, isDraining, isReady, isServing } from "./model.ts";
import { isCanary } from "./rollout.ts";

export type Action =
  | { readonly do: "spawn"; readonly slot: number; readonly generation: number }
  | { readonly do: "listen"; readonly id: number }
  | { readonly do: "drain"; readonly id: number; readonly why: DrainReason }
  | { readonly do: "quit"; readonly id: number }
  /** The master's own copies: as soon as no worker has one left, the kernel refuses who comes. */
  | { readonly do: "close-sockets" };

/** The next thing to do, or undefined when what is there is what is wanted. */
export function nextAction(pool: PoolView, now: number): Action | undefined {
  if (pool.stop !== undefined) return nextStopAction(pool, now);
  return (
    nextListen(pool, now) ??
    nextRetirement(pool) ??
    nextVacancy(pool, now) ??
    nextCanary(pool) ??
    nextSuccessor(pool, now)
  );
}

function nextStopAction(pool: PoolView, now: number): Action | undefined {
  const { stop } = pool;
  if (stop?.kind === "quick") {
    const worker = pool.workers.find((one) => !one.isKilled && !one.hasQuitOrder);
    return worker && { do: "quit", id: worker.id };
  }
  if (isServing(pool, now)) return nextSurplus(pool) ?? nextListen(pool, now) ?? nextVacancy(pool, now);
  // Before the workers close theirs: they empty the queue first, and nobody may come after that to wait for the master alone.
  if (!pool.areSocketsClosed) return { do: "close-sockets" };
  const worker = pool.workers.find((one) => !isDraining(one));
  return worker && { do: "drain", id: worker.id, why: "stop" };
}

/** During the shutdown delay: who does not serve yet, unless its seat would be empty without it. */
function nextSurplus(pool: PoolView): Action | undefined {
  const worker = pool.workers.find((one) => {
    if (isDraining(one) || isReady(one)) return false;
    return one.slot >= pool.target || seatHolder(pool, one.slot)?.id !== one.id || isSeatServed(pool, one.slot);
  });
  return worker && { do: "drain", id: worker.id, why: "stop" };
}

function isSeatServed(pool: PoolView, slot: number): boolean {
  return pool.workers.some((one) => one.slot === slot && isReady(one) && one.generation <= pool.generation);
}

function nextListen(pool: PoolView, now: number): Action | undefined {
  const worker = pool.workers.find(
    ({ state }) => state.name === "booting" && state.progress === "started" && state.listenAt <= now,
  );
  return worker && { do: "listen", id: worker.id };
}

/** The first worker that must go, and why. */
function nextRetirement(pool: PoolView): Action | undefined {
  for (const worker of pool.workers) {
    if (isDraining(worker)) continue;
    const why = retirementReason(pool, worker);
    if (why !== undefined) return { do: "drain", id: worker.id, why };
  }
  return undefined;
}

function retirementReason(pool: PoolView, worker: WorkerRecord): DrainReason | undefined {
  if (worker.generation > pool.generation && !isCanary(worker, pool.rollout)) {
    return pool.rollout === undefined ? "rollout aborted" : "superseded";
  }
  if (worker.slot >= pool.target) return isSpared(pool, worker) ? undefined : "scaled down";
  if (isCanary(worker, pool.rollout)) return undefined;
  const holder = seatHolder(pool, worker.slot);
  if (holder === undefined || holder.id === worker.id) return undefined;
  // Two hold one seat: the newer takes over once it is ready, and an older one that does not serve yet is in the way.
  if (!isReady(holder) && isReady(worker)) return undefined;
  return worker.unwanted?.why ?? "reload";
}

/** One too many, but serving: it stays until enough others serve, so that scaling down never leaves fewer than wanted. */
function isSpared(pool: PoolView, worker: WorkerRecord): boolean {
  if (!isReady(worker)) return false;
  const serving = pool.workers
    .filter((one) => isReady(one) && one.generation <= pool.generation)
    .map(({ slot }) => slot);
  return new Set(serving).size <= pool.target;
}

function nextCanary(pool: PoolView): Action | undefined {
  const { rollout } = pool;
  if (rollout === undefined || rollout.stage !== "canary") return undefined;
  if (pool.workers.some((worker) => !isDraining(worker) && isCanary(worker, rollout))) return undefined;
  if (!hasRoom(pool)) return undefined;
  return { do: "spawn", slot: canarySlot(pool), generation: rollout.generation };
}

function nextVacancy(pool: PoolView, now: number): Action | undefined {
  if (pool.generation === 0) return undefined;
  for (let slot = 0; slot < pool.target; slot++) {
    if (seatHolder(pool, slot) === undefined && pool.slotHistory(slot).notBefore <= now) {
      return { do: "spawn", slot, generation: pool.generation };
    }
  }
  return undefined;
}

function nextSuccessor(pool: PoolView, now: number): Action | undefined {
  if (pool.rollout?.stage === "canary" || !hasRoom(pool)) return undefined;
  const holders: WorkerRecord[] = [];
  for (let slot = 0; slot < pool.target; slot++) {
    const holder = seatHolder(pool, slot);
    if (holder !== undefined && pool.slotHistory(slot).notBefore <= now) holders.push(holder);
  }
  const holder =
    holders.find((one) => isStale(pool, one)) ?? (isReplacing(pool) ? undefined : nextUnwanted(holders, now));
  return holder && { do: "spawn", slot: holder.slot, generation: pool.generation };
}

/** Who has waited longest for its replacement: where workers are worn out faster than they are replaced, all have their turn. */
function nextUnwanted(holders: readonly WorkerRecord[], now: number): WorkerRecord | undefined {
  const since = (worker: WorkerRecord): number => worker.unwanted?.notBefore ?? NEVER;
  let next: WorkerRecord | undefined;
  for (const holder of holders)
    if (since(holder) <= now && (next === undefined || since(holder) < since(next))) next = holder;
  return next;
}

/** The newest worker of a slot that is not leaving and whose generation has proven itself. */
function seatHolder(pool: PoolView, slot: number): WorkerRecord | undefined {
  let holder: WorkerRecord | undefined;
  for (const worker of pool.workers) {
    if (worker.slot !== slot || isDraining(worker) || worker.generation > pool.generation) continue;
    if (holder === undefined || worker.generation >= holder.generation) holder = worker;
  }
  return holder;
}

function isStale(pool: PoolView, worker: WorkerRecord): boolean {
  return pool.rollout?.stage === "rolling" && worker.generation < pool.generation;
}

/** Single workers are replaced one at a time: not while another is booting or an unwanted one is still leaving. */
function isReplacing(pool: PoolView): boolean {
  return pool.workers.some(
    (worker) => worker.state.name === "booting" || (isDraining(worker) && worker.unwanted !== undefined),
  );
}

/** Empty seats count as taken: whoever fills them later needs the room. */
function hasRoom(pool: PoolView): boolean {
  return pool.workers.length + emptySeats(pool) < pool.target + pool.limits.surge;
}

function emptySeats(pool: PoolView): number {
  if (pool.generation === 0) return 0;
  let empty = 0;
  for (let slot = 0; slot < pool.target; slot++) if (seatHolder(pool, slot) === undefined) empty++;
  return empty;
}

/** An empty seat if there is one, else the first. */
function canarySlot(pool: PoolView): number {
  for (let slot = 0; slot < pool.target; slot++) if (seatHolder(pool, slot) === undefined) return slot;
  return 0;
}
