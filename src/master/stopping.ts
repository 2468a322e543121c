/** How the server's end begins: asked for by a signal, or because it cannot go on. What then happens is the policies' matter. */

import { monotonicNow } from "../deadline.ts";
import { EXIT, type ExitCode, type TsgateError } from "../errors.ts";
import type { WriteRecord } from "../logger.ts";
import type { StopPlan } from "./model.ts";
import type { Releases } from "./releases.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** How the server ended; `error` is set when nobody asked it to. */
export interface Ending {
  readonly exitCode: ExitCode;
  readonly error: TsgateError | undefined;
}

interface StoppingOptions {
  readonly pool: WorkerPool;
  readonly releases: Releases;
  readonly log: WriteRecord;
  /** A stop has begun, or has become a quicker one. */
  readonly begun: () => void;
}

export class Stopping {
  readonly #options: StoppingOptions;
  #error: TsgateError | undefined;

  constructor(options: StoppingOptions) {
    this.#options = options;
  }

  get ending(): Ending {
    return { exitCode: this.#error?.exitCode ?? EXIT.stopped, error: this.#error };
  }

  /** Everything accepted is answered; nothing while it stops already. */
  gracefully(): void {
    const { pool, releases, log } = this.#options;
    if (pool.stop !== undefined) return;
    const { shutdownDelay } = releases.settings(pool);
    log("info", "server stopping", { kind: "graceful", shutdownDelayMs: shutdownDelay, ...pool.counts() });
    this.#begin({ kind: "graceful", serveUntil: monotonicNow() + shutdownDelay });
  }

  quickly(by: { readonly signal: NodeJS.Signals } | { readonly command: "stop" }): void {
    const { pool, log } = this.#options;
    if (pool.stop?.kind === "quick") return;
    log("info", "server stopping", { kind: "quick", ...by, ...pool.counts() });
    this.#begin({ kind: "quick", serveUntil: 0 });
  }

  /** The server cannot go on; the first reason stays. */
  halt(error: TsgateError): void {
    this.#error ??= error;
    this.#begin({ kind: "quick", serveUntil: 0 });
  }

  #begin(plan: StopPlan): void {
    this.#options.pool.beginStop(plan);
    this.#options.begun();
  }
}
