/**
 * What the commands of the control socket do: each is carried out by whoever does the same for a signal, and answered.
 * Followers of a reload are told of each step. Knows no socket.
 */

import { reportConfiguration } from "../config/print-config.ts";
import type { ControlCommand, ReloadProgress } from "../control-protocol.ts";
import { assertNever } from "../errors.ts";
import type { ControlClient } from "./control-server.ts";
import type { Crew } from "./crew.ts";
import { isDraining, isReady, type WorkerRecord } from "./model.ts";
import type { Releases } from "./releases.ts";
import type { Reload, ReloadResult } from "./reload.ts";
import type { Stacks } from "./stacks.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface ControlsOptions {
  readonly pool: WorkerPool;
  readonly crew: Crew;
  readonly releases: Releases;
  readonly reload: Reload;
  readonly stacks: Stacks;
  readonly scale: (target: number) => void;
  readonly stop: (kind: "graceful" | "quick") => void;
  readonly reopenLogs: () => void;
  /** Everything that is known of the server, fit for JSON. */
  readonly status: () => Readonly<Record<string, unknown>>;
}

export class Controls {
  readonly #options: ControlsOptions;
  readonly #followers = new Set<ControlClient>();
  #told = "";

  constructor(options: ControlsOptions) {
    this.#options = options;
  }

  /** Carries out one command and answers it, at once or when it is through. */
  perform(command: ControlCommand, client: ControlClient): void {
    const { pool, reopenLogs, scale, status, stop } = this.#options;
    switch (command.cmd) {
      case "status":
        return client.answer({ ok: true, ...status() });
      case "reload":
        return this.#reload(command.wait, client);
      case "stop":
        stop(command.quick ? "quick" : "graceful");
        return client.answer({ ok: true, stopping: command.quick ? "quick" : "graceful" });
      case "scale":
        if (pool.stop !== undefined) return client.answer(STOPPING);
        client.answer({ ok: true, workers: command.workers, before: pool.target });
        return scale(command.workers);
      case "kill":
        return this.#kill(command.slot, client);
      case "stack":
        return this.#stack(command.slot, client);
      case "config":
        return this.#config(client);
      case "reopen-logs":
        reopenLogs();
        return client.answer({ ok: true });
      default:
        return assertNever(command);
    }
  }

  /** Tells whoever follows a reload how far it is, if that has changed. */
  tellProgress(): void {
    if (this.#followers.size === 0) return;
    const progress = this.#progress();
    const text = JSON.stringify(progress);
    if (text === this.#told) return;
    this.#told = text;
    for (const client of this.#followers) client.progress(progress);
  }

  #reload(isAwaited: boolean, client: ControlClient): void {
    const { pool, reload } = this.#options;
    if (pool.stop !== undefined) return client.answer(STOPPING);
    if (!isAwaited) {
      reload.prepare();
      return client.answer({ ok: true });
    }
    this.#followers.add(client);
    this.#told = "";
    reload.prepare((result: ReloadResult) => {
      this.#followers.delete(client);
      client.answer(result);
    });
    this.tellProgress();
  }

  #config(client: ControlClient): void {
    const { configuration } = this.#options.releases.current(this.#options.pool);
    client.answer({ ok: true, ...reportConfiguration(configuration), workersReason: configuration.workersReason });
  }

  #kill(slot: number, client: ControlClient): void {
    const worker = this.#inSlot(slot);
    if (worker === undefined) return client.answer(noWorker(slot));
    this.#options.crew.kill(worker.id, "killed on request");
    client.answer({ ok: true, slot, pid: worker.pid });
  }

  #stack(slot: number, client: ControlClient): void {
    const worker = this.#inSlot(slot);
    if (worker === undefined) return client.answer(noWorker(slot));
    this.#options.stacks.ask(worker, (reply) => client.answer(reply));
  }

  #progress(): ReloadProgress {
    const { rollout, target, workers, generation } = this.#options.pool;
    if (rollout === undefined) return { generation, stage: "reading", ready: 0, target };
    const ready = workers.filter((worker) => isReady(worker) && worker.generation === rollout.generation).length;
    return { generation: rollout.generation, stage: rollout.stage, ready, target };
  }

  /** The worker that holds the slot: the newest that is not leaving, else the newest. */
  #inSlot(slot: number): WorkerRecord | undefined {
    const all = this.#options.pool.workers.filter((worker) => worker.slot === slot);
    return all.findLast((worker) => !isDraining(worker)) ?? all.at(-1);
  }
}

const STOPPING = { ok: false, error: "the server is stopping" } as const;

function noWorker(slot: number): { ok: false; error: string } {
  return { ok: false, error: `there is no worker in slot ${slot}` };
}
