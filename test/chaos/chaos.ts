/** A run: one life after another of one seed, in one folder, until the time is over or something is wrong. */

import { makeProject } from "../support/temp-project.ts";
import { TSGATE } from "../support/tsgate.ts";
import { playLife } from "./life.ts";
import type { LifeReport, TrafficSize } from "./life.ts";
import { planLife } from "./plan.ts";
import type { PlanOptions } from "./plan.ts";

export interface RunOptions extends PlanOptions {
  readonly seed: number;
  /** No scene begins after that; default: none. */
  readonly seconds?: number | undefined;
  /** Lives, from `life` on; default: as many as there is time for, or one. */
  readonly lives?: number | undefined;
  readonly life?: number | undefined;
  /** The Node that runs the server; default: this one. */
  readonly node?: string | undefined;
  /** The binary; default: the shipped one. */
  readonly binary?: string | undefined;
  readonly traffic?: TrafficSize | undefined;
  /** What bounds are multiplied by; default: 3. */
  readonly patience?: number | undefined;
  /** Ends the run at once, without a judgement of the life that it meets; nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
  readonly say?: (line: string) => void;
}

export interface RunReport {
  readonly seed: number;
  readonly lives: readonly LifeReport[];
  readonly durationMs: number;
}

export async function runChaos(options: RunOptions): Promise<RunReport> {
  const { seed, seconds, life: first = 1, node = process.execPath, binary = TSGATE } = options;
  const startedAt = performance.now();
  const isTime = (): boolean => seconds === undefined || performance.now() - startedAt < seconds * 1000;
  const most = options.lives ?? (seconds === undefined ? 1 : Infinity);
  const project = await makeProject({});
  const lives: LifeReport[] = [];
  try {
    do {
      const report = await playLife(planLife(seed, first + lives.length, options), {
        project,
        command: [node, "--", binary],
        mayGoOn: isTime,
        say: options.say ?? (() => {}),
        traffic: options.traffic,
        patience: options.patience,
        signal: options.signal,
      });
      lives.push(report);
      if (report.violations.length > 0) break;
    } while (lives.length < most && isTime() && options.signal?.aborted !== true);
  } finally {
    await project.remove();
  }
  return { seed, lives, durationMs: performance.now() - startedAt };
}
