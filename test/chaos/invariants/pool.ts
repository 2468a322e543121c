/** What the records' counts say of the pool during a scene: never too few ready, never too many alive. Pure. */

import type { LogRecord } from "../../support/log-records.ts";
import { fewestReady, mostAlive } from "../../support/pool-counts.ts";
import { Violation } from "../violation.ts";
import { isAlarming } from "./log.ts";

export interface SceneBounds {
  /** Workers wanted when the scene began. */
  readonly target: number;
  /** How many workers its events may have cost. */
  readonly cost: number;
  readonly surge: number | string;
}

/** Throws a Violation unless the pool stayed within its bounds; `records` are those of the scene. */
export function expectWithinBounds(records: readonly LogRecord[], { target, cost, surge }: SceneBounds): void {
  const targets = [
    target,
    ...records.filter(({ msg }) => msg === "workers changed").map((record) => Number(record["target"])),
  ];
  const fewest = Math.min(...targets) - cost;
  const most = Math.max(...targets.map((wanted) => wanted + surgeOf(surge, wanted))) + cost;
  const ready = fewestReady(records);
  if (ready < fewest)
    throw new Violation("ready", `only ${ready} workers were ready, when there were to be at least ${fewest}`);
  const alive = mostAlive(records);
  if (alive > most) throw new Violation("alive", `${alive} workers were alive, when there were to be at most ${most}`);
}

/** The ends of workers that got SIGTERM and left without an order to drain: their master did not answer. */
export function leftAlone(records: readonly LogRecord[]): LogRecord[] {
  return records.filter(
    ({ msg, cause, pid }) =>
      msg === "worker gone" &&
      cause === "terminated" &&
      !records.some((record) => record.msg === "worker draining" && record.pid === pid),
  );
}

function surgeOf(surge: number | string, target: number): number {
  const extra = typeof surge === "number" ? surge : Math.floor((target * Number.parseInt(surge, 10)) / 100);
  return Math.max(1, extra);
}

/**
 * How long it may take from `now` on until every slot's back-off is over: after the n-th abnormal end of a slot's workers
 * 0, 1, 2, 4 … 30 s ± 20 %, forgotten when a reload has come through.
 */
export function backoffMs(records: readonly LogRecord[], now: number): number {
  const failures = new Map<number, number>();
  let over = now;
  for (const record of records) {
    const { msg, slot, time } = record;
    if (msg === "reload done") failures.clear();
    if (msg !== "worker gone" || slot === undefined) continue;
    if (!isAlarming(record) && record["cause"] !== "unhealthy") continue;
    const before = failures.get(slot) ?? 0;
    failures.set(slot, before + 1);
    if (before > 0) over = Math.max(over, time + 1.2 * Math.min(30_000, 1000 * 2 ** (before - 1)));
  }
  return over - now;
}
