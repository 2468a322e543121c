/**
 * When a worker has served long enough: after so many requests, at an age, or because its memory stays above a limit.
 * Pure: what a worker said of itself, its limits and the clock in, a reason out. That its replacement comes first, and
 * one worker at a time, is the reconciler's matter.
 */

import type { Settings } from "../config/types.ts";
import { NEVER } from "../deadline.ts";
import type { DrainReason, RecyclingReason, Usage } from "../messages.ts";
import type { PoolView, RecyclingLimits, WorkerRecord, WorkerUsage } from "./model.ts";

export const NO_RECYCLING: RecyclingLimits = { requests: 0, ageMs: 0, rssBytes: 0, memoryNotBefore: 0 };
export const UNUSED: WorkerUsage = { requests: 0, rssBytes: 0, heapUsedBytes: 0, heapLimitBytes: 0, beatsAbove: 0 };

/** One look may fall into the moment before a collection of garbage. */
const BEATS_ABOVE = 3;
/** Where the limit is below what the application needs, a slot is recycled no more often than this. */
export const MEMORY_PAUSE_MS = 30_000;
/** By how much of its age a worker may be early. */
const AGE_JITTER = 0.1;

export type RecyclingSettings = Pick<Settings, "maxRequests" | "maxRequestsJitter" | "maxWorkerAge" | "maxMemory">;

/**
 * The limits of a worker that is forked now for `slot`: gunicorn's N + 0 … jitter requests, and up to a tenth less than
 * the age, so that workers that began together are not replaced in a row.
 * @param random a number in [0, 1)
 */
export function recyclingLimits(
  settings: RecyclingSettings,
  pool: PoolView,
  slot: number,
  now: number,
  random: number,
): RecyclingLimits {
  const { maxRequests, maxRequestsJitter, maxWorkerAge, maxMemory } = settings;
  const isSuccessor = pool.workers.some((one) => one.slot === slot && one.unwanted?.why === "max memory");
  return {
    requests: maxRequests === 0 ? 0 : maxRequests + Math.floor(random * (maxRequestsJitter + 1)),
    ageMs: maxWorkerAge * (1 - AGE_JITTER * random),
    rssBytes: maxMemory,
    memoryNotBefore: isSuccessor ? now + MEMORY_PAUSE_MS : 0,
  };
}

/** What is known of a worker after a heartbeat. */
export function afterBeat(before: WorkerUsage, usage: Usage, limits: RecyclingLimits): WorkerUsage {
  const { requests, rssBytes, heapUsedBytes, heapLimitBytes } = usage;
  const isAbove = limits.rssBytes > 0 && rssBytes > limits.rssBytes;
  return { requests, rssBytes, heapUsedBytes, heapLimitBytes, beatsAbove: isAbove ? before.beatsAbove + 1 : 0 };
}

/**
 * The workers that are to be recycled from now on; none while the pool is reloading or stopping. A first start does not
 * count: where one slot fails at each boot it is never over, and the others would grow without end.
 */
export function recyclingDue(pool: PoolView, now: number): { id: number; why: RecyclingReason }[] {
  if ((pool.rollout !== undefined && !pool.rollout.isFirstStart) || pool.stop !== undefined) return [];
  return pool.workers.flatMap((worker) => {
    const why = recyclingReason(worker, now);
    return why === undefined ? [] : [{ id: worker.id, why }];
  });
}

/** Why this worker is to be recycled, unless it is leaving or to be replaced anyway. */
export function recyclingReason(worker: WorkerRecord, now: number): RecyclingReason | undefined {
  const { state, unwanted, recycling, usage } = worker;
  if (state.name !== "ready" || unwanted !== undefined) return undefined;
  if (recycling.requests > 0 && usage.requests >= recycling.requests) return "max requests";
  if (recycling.ageMs > 0 && now - state.since >= recycling.ageMs) return "max age";
  if (usage.beatsAbove >= BEATS_ABOVE && now >= recycling.memoryNotBefore) return "max memory";
  return undefined;
}

/** Its memory is above the limit and it is too young to be recycled for that: so its application may need more. */
export function isHeldBack({ state, usage, recycling }: WorkerRecord, now: number): boolean {
  return state.name === "ready" && usage.beatsAbove >= BEATS_ABOVE && now < recycling.memoryNotBefore;
}

/** When time alone makes a worker due; Infinity if it does not. */
export function recyclingAt({ state, recycling, usage }: WorkerRecord): number {
  if (state.name !== "ready") return NEVER;
  return Math.min(
    recycling.ageMs > 0 ? state.since + recycling.ageMs : NEVER,
    usage.beatsAbove >= BEATS_ABOVE ? recycling.memoryNotBefore : NEVER,
  );
}

/** What the log says of a worker that is recycled; nothing of one that leaves for another reason. */
export function recyclingFacts(worker: WorkerRecord, why: DrainReason, now: number): Readonly<Record<string, number>> {
  if (!REASONS.has(why) || worker.state.name !== "ready") return {};
  const { requests, rssBytes } = worker.usage;
  return { requests, rssBytes, ageMs: Math.round(now - worker.state.since) };
}

const REASONS: ReadonlySet<DrainReason> = new Set<RecyclingReason>(["max requests", "max age", "max memory"]);
