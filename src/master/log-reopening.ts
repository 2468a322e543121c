/**
 * The log files were moved away: each worker is told to open its own anew, and when the last has done so, or has gone,
 * that is said. From then on nobody writes to the old files, and whoever moved them may pack them up.
 */

import type { WriteRecord } from "../logger.ts";
import type { Order } from "../messages.ts";
import type { WorkerRecord } from "./model.ts";

export interface LogReopeningOptions {
  readonly workers: () => readonly WorkerRecord[];
  readonly send: (id: number, order: Order) => void;
  readonly log: WriteRecord;
}

export class LogReopening {
  readonly #options: LogReopeningOptions;
  /** How many answers each worker owes. */
  readonly #owed = new Map<number, number>();
  #isUnderWay = false;

  constructor(options: LogReopeningOptions) {
    this.#options = options;
  }

  /** Tells everyone; a worker that has not said hello yet has opened nothing. */
  begin(): void {
    const { send, workers } = this.#options;
    this.#isUnderWay = true;
    for (const { id, state } of workers()) {
      if (state.name === "booting" && state.progress === "forked") continue;
      this.#owed.set(id, (this.#owed.get(id) ?? 0) + 1);
      send(id, { tsgate: "reopen-logs" });
    }
    this.#sayWhenThrough();
  }

  /** The worker has opened its files anew. */
  done(id: number): void {
    const owed = this.#owed.get(id) ?? 0;
    if (owed > 1) this.#owed.set(id, owed - 1);
    else this.gone(id);
  }

  /** The worker writes nothing any more. */
  gone(id: number): void {
    this.#owed.delete(id);
    this.#sayWhenThrough();
  }

  #sayWhenThrough(): void {
    if (!this.#isUnderWay || this.#owed.size > 0) return;
    this.#isUnderWay = false;
    this.#options.log("info", "logs reopened");
  }
}
