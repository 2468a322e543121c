/**
 * Has workers that hold far more connections than their share give idle ones to those that hold far fewer, one gift at a
 * time. Who, how many and when, the policy in `evening.ts` says; the connections go the way of all that move (`moves.ts`).
 * Nothing while workers come and go on purpose: then connections move anyway, and who stays is not known yet.
 */

import { AT_REST, type Course, evenOut, afterGift, type Gift, mayTake } from "./evening.ts";
import type { Balancer } from "./balancer.ts";
import type { Crew } from "./crew.ts";
import type { Journal } from "./journal.ts";
import { isReady } from "./model.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface EvenerOptions {
  readonly pool: Pick<WorkerPool, "generation" | "rollout" | "stop" | "target" | "worker" | "workers">;
  readonly crew: Pick<Crew, "send">;
  readonly balancer: Pick<Balancer, "holders" | "promised">;
  readonly journal: Pick<Journal, "evened" | "given">;
}

/** A gift that was asked for. */
interface Underway {
  readonly number: number;
  readonly gift: Gift;
  /** How many more each taker may get. */
  readonly left: Map<number, number>;
}

export class Evener {
  readonly #options: EvenerOptions;
  #course: Course = AT_REST;
  #underway: Underway | undefined;
  #newest = 0;
  /** Since they are evened out: when that began, and what has moved. */
  #since: { readonly at: number; connections: number } | undefined;

  constructor(options: EvenerOptions) {
    this.#options = options;
  }

  /** Asks for the next gift, if it is time for one. */
  settle(now: number): void {
    if (!isSteady(this.#options.pool)) return this.#rest();
    const holders = this.#options.balancer.holders(now);
    // One that leaves, or stands still, may never say that it is through.
    if (holders.some(({ id, isSilent }) => id === this.#underway?.gift.origin && !isSilent)) return;
    this.#underway = undefined;
    const { course, gift } = evenOut(holders, this.#course, now);
    this.#course = course;
    if (gift !== undefined) this.#ask(gift, now);
    else if (course.giftAt === undefined) this.#finish(now);
  }

  /** Who gets a connection that `origin` offers for the gift; nobody when that is no more to be. It counts as taken. */
  takerFor(origin: number, number: number, late: ReadonlySet<number>, now: number): number | undefined {
    const { pool, balancer } = this.#options;
    const underway = this.#underway;
    if (underway === undefined || underway.number !== number || underway.gift.origin !== origin) return undefined;
    if (!isSteady(pool)) return undefined;
    const holders = balancer.holders(now);
    const giver = holders.find(({ id }) => id === origin);
    const taker = holders.find((one) => {
      const left = underway.left.get(one.id) ?? 0;
      return left > 0 && giver !== undefined && !late.has(one.id) && mayTake(one, giver);
    });
    if (taker === undefined) return undefined;
    underway.left.set(taker.id, (underway.left.get(taker.id) ?? 0) - 1);
    balancer.promised(taker.id);
    return taker.id;
  }

  /** The worker `origin` has given `count` connections away, and has no more to offer for this gift. */
  given(origin: number, number: number, count: number, now: number): void {
    const { pool, journal } = this.#options;
    const worker = pool.worker(origin);
    if (worker !== undefined) journal.given(worker, count);
    // One that was given up while the worker stood still has no part in what is done now.
    if (this.#underway?.number !== number || this.#underway.gift.origin !== origin) return;
    this.#underway = undefined;
    this.#course = afterGift(this.#course, count, now);
    if (this.#since !== undefined) this.#since.connections += count;
  }

  #ask(gift: Gift, now: number): void {
    const number = ++this.#newest;
    this.#since ??= { at: now, connections: 0 };
    this.#underway = { number, gift, left: new Map(gift.shares.map(({ taker, count }) => [taker, count])) };
    const { origin, count, keep } = gift;
    this.#options.crew.send(origin, { tsgate: "give-connections", gift: number, count, keep });
  }

  /** What is offered from here on stays with its origin; afterwards it begins anew. */
  #rest(): void {
    this.#underway = undefined;
    this.#course = AT_REST;
    this.#since = undefined;
  }

  #finish(now: number): void {
    const since = this.#since;
    this.#since = undefined;
    if (since === undefined || since.connections === 0) return;
    const { balancer, journal } = this.#options;
    const held = balancer.holders(now).map(({ open }) => open);
    journal.evened({ connections: since.connections, tookMs: Math.round(now - since.at), held });
  }
}

/** Whether all workers there are are to stay as they are. One that boots does no harm: it holds nothing yet. */
function isSteady({ generation, rollout, stop, target, workers }: EvenerOptions["pool"]): boolean {
  if (stop !== undefined || target < 2 || (rollout !== undefined && !rollout.isFirstStart)) return false;
  return workers.every((worker) => {
    const { state, isKilled, unwanted } = worker;
    const isServing = isReady(worker) && !isKilled && unwanted === undefined && worker.generation === generation;
    return isServing || state.name === "booting";
  });
}
