/**
 * What all workers have done, the ones that have gone included: the newest report of each that lives, and the sum of the
 * last words of the others. A worker that was killed takes with it what it did since its last report.
 */

import type { RequestTotals, WorkerStats } from "../worker-stats.ts";
import { RecentTraffic } from "./recent-traffic.ts";
import { growth, NO_TOTALS, sumOf } from "./request-totals.ts";

export interface Heard {
  readonly stats: WorkerStats;
  /** A monotonic instant. */
  readonly at: number;
  readonly slot: number;
}

export class Traffic {
  readonly recent: RecentTraffic;
  readonly #heard = new Map<number, Heard>();
  readonly #goneCpuSeconds = new Map<number, number>();
  #gone: RequestTotals = NO_TOTALS;

  constructor(now: number) {
    this.recent = new RecentTraffic(now);
  }

  /** Takes the report of worker `id` in `slot`; `since` is when it began, for its first one. */
  report(id: number, slot: number, stats: WorkerStats, since: number, now: number): void {
    const before = this.#heard.get(id);
    // A worker that says nothing has nothing to say: what it tells has come to pass since its last turn.
    const from = Math.max(before?.at ?? since, now - stats.sinceMs);
    this.recent.add(from, now, growth(before?.stats.totals ?? NO_TOTALS, stats.totals));
    this.#heard.set(id, { stats, at: now, slot });
  }

  /** Worker `id` has ended: what it has done stays. */
  gone(id: number): void {
    const last = this.#heard.get(id);
    if (last === undefined) return;
    this.#heard.delete(id);
    this.#gone = sumOf([this.#gone, last.stats.totals]);
    this.#goneCpuSeconds.set(last.slot, (this.#goneCpuSeconds.get(last.slot) ?? 0) + last.stats.load.cpuSeconds);
  }

  heard(id: number): Heard | undefined {
    return this.#heard.get(id);
  }

  totals(): RequestTotals {
    return sumOf([this.#gone, ...[...this.#heard.values()].map(({ stats }) => stats.totals)]);
  }

  /** Requests in progress and connections that are open, as far as is known. */
  now(): { readonly inFlight: number; readonly connections: number } {
    let [inFlight, connections] = [0, 0];
    for (const { stats } of this.#heard.values()) {
      inFlight += stats.inFlight;
      connections += stats.connections;
    }
    return { inFlight, connections };
  }

  /** CPU time by slot, of all workers that ever sat there. */
  cpuSeconds(): Map<number, number> {
    const bySlot = new Map(this.#goneCpuSeconds);
    for (const { slot, stats } of this.#heard.values())
      bySlot.set(slot, (bySlot.get(slot) ?? 0) + stats.load.cpuSeconds);
    return bySlot;
  }
}
