/**
 * The move from one generation to the next, as a policy: when the canary has proven itself, when the rollout is done,
 * and what an abnormal end of a new worker means for it. Pure.
 */

import {
  type PoolView,
  type Rollout,
  type WorkerRecord,
  CANARY_SETTLE_MS,
  CANARY_WATCH_MS,
  ROLLING_FAILURE_LIMIT,
  isReady,
} from "./model.ts";

export type RolloutStep = "wait" | "promote" | "done";

/** What the rollout's next step is now. */
export function nextStep(pool: PoolView, now: number): RolloutStep {
  const { rollout } = pool;
  if (rollout === undefined) return "wait";
  if (rollout.stage === "canary") return now >= canaryProvenAt(pool) ? "promote" : "wait";
  return isComplete(pool, rollout) ? "done" : "wait";
}

/** The instant at which the canary has proven itself if nothing happens until then; Infinity while it is not serving. */
export function canaryProvenAt(pool: PoolView): number {
  const { rollout } = pool;
  if (rollout === undefined || rollout.stage !== "canary") return Number.POSITIVE_INFINITY;
  const canary = pool.workers.find((worker) => isCanary(worker, rollout) && isReady(worker));
  if (canary === undefined || canary.state.name !== "ready") return Number.POSITIVE_INFINITY;
  return canary.state.since + (rollout.isFirstStart ? 0 : CANARY_WATCH_MS);
}

/** How long a worker that has started waits before it may listen. */
export function settleMs(rollout: Rollout | undefined, generation: number): number {
  const isReloadCanary =
    rollout !== undefined && rollout.generation === generation && rollout.stage === "canary" && !rollout.isFirstStart;
  return isReloadCanary ? CANARY_SETTLE_MS : 0;
}

/** Whether `worker` is the one of a generation that is not promoted yet. */
export function isCanary(worker: WorkerRecord, rollout: Rollout | undefined): boolean {
  return rollout !== undefined && rollout.stage === "canary" && worker.generation === rollout.generation;
}

/** What an abnormal end of a worker of `generation` does to the rollout. */
export function afterFailure(rollout: Rollout | undefined, generation: number): "ignore" | "count" | "abort" | "halt" {
  if (rollout === undefined || rollout.generation !== generation) return "ignore";
  if (rollout.stage === "canary") return rollout.isFirstStart ? "halt" : "abort";
  if (rollout.isFirstStart) return "ignore";
  return rollout.failures + 1 >= ROLLING_FAILURE_LIMIT ? "abort" : "count";
}

/** Every seat is held by a ready worker of the promoted generation, and nobody of an older one is left. */
function isComplete(pool: PoolView, rollout: Rollout): boolean {
  return !pool.workers.some((worker) => worker.generation < rollout.generation) && isEverySeatServed(pool);
}

/** Whether as many serve as are wanted, each in a seat of its own. */
export function isEverySeatServed(pool: PoolView): boolean {
  const seats = new Set(pool.workers.filter((worker) => isReady(worker)).map((worker) => worker.slot));
  for (let slot = 0; slot < pool.target; slot++) if (!seats.has(slot)) return false;
  return true;
}
