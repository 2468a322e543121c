/**
 * What a worker spends its time with, for somebody who asks: has it take a profile, or has it examined when it does not
 * answer. Kills nobody and changes nothing of the pool. Several who ask about the same worker get the same answer.
 */

import type { ControlReply } from "../control-protocol.ts";
import { monotonicNow } from "../deadline.ts";
import { arePythonAccounts } from "../python-account.ts";
import { isWorkerProfile, PROFILE_MS } from "../worker-profile.ts";
import type { Crew } from "./crew.ts";
import { findings } from "./hang/findings.ts";
import { LATE_AFTER_MS, type WorkerRecord } from "./model.ts";
import { nameOf, stackWay } from "./stack-way.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface StacksOptions {
  readonly pool: WorkerPool;
  readonly crew: Crew;
}

type Answer = (reply: ControlReply) => void;

interface Inquiry {
  readonly answers: Answer[];
  readonly request: number;
  timer: NodeJS.Timeout | undefined;
}

/** A worker whose event loop gets stuck meanwhile is silent by then. */
const PROFILE_PATIENCE_MS = PROFILE_MS + LATE_AFTER_MS + 500;

export class Stacks {
  readonly #options: StacksOptions;
  /** By the worker's id. */
  readonly #inquiries = new Map<number, Inquiry>();
  #newest = 0;

  constructor(options: StacksOptions) {
    this.#options = options;
  }

  ask(worker: WorkerRecord, answer: Answer): void {
    const known = this.#inquiries.get(worker.id);
    if (known !== undefined) return void known.answers.push(answer);
    const inquiry: Inquiry = { answers: [answer], request: ++this.#newest, timer: undefined };
    this.#inquiries.set(worker.id, inquiry);
    this.#begin(worker, inquiry);
  }

  /** What the worker has answered; an answer to an inquiry that is over comes too late. */
  profiled(worker: WorkerRecord, request: number, outcome: unknown, pythons: unknown): void {
    if (this.#inquiries.get(worker.id)?.request !== request) return;
    const { profile, error } = (outcome ?? {}) as { readonly profile?: unknown; readonly error?: unknown };
    const beside = arePythonAccounts(pythons) && pythons.length > 0 ? { pythons } : {};
    if (isWorkerProfile(profile)) return this.#settle(worker, { ok: true, ...about(worker), profile, ...beside });
    const why = typeof error === "string" ? error : "what it answers is none";
    this.#settle(worker, { ok: false, error: `there is no profile of ${nameOf(worker)}: ${why}` });
  }

  gone(worker: WorkerRecord): void {
    this.#settle(worker, { ok: false, error: `${nameOf(worker)} has gone meanwhile` });
  }

  #begin(worker: WorkerRecord, inquiry: Inquiry): void {
    const way = stackWay(worker, monotonicNow());
    if (way.by === "nothing") return this.#settle(worker, { ok: false, error: way.why });
    if (way.by === "examination") return void this.#examine(worker);
    this.#options.crew.send(worker.id, { tsgate: "profile", request: inquiry.request, durationMs: PROFILE_MS });
    inquiry.timer = setTimeout(() => this.#unanswered(worker), PROFILE_PATIENCE_MS);
  }

  #unanswered({ id }: WorkerRecord): void {
    const worker = this.#options.pool.worker(id);
    if (worker === undefined) return;
    const way = stackWay(worker, monotonicNow());
    if (way.by === "examination") return void this.#examine(worker);
    const error = way.by === "nothing" ? way.why : `${nameOf(worker)} has not answered in time; ask again`;
    this.#settle(worker, { ok: false, error });
  }

  async #examine(worker: WorkerRecord): Promise<void> {
    const examination = await this.#options.crew.look(worker.id, monotonicNow()).catch(() => undefined);
    if (examination === undefined) return this.gone(worker);
    this.#settle(worker, { ok: true, ...about(worker), examination: findings(examination) });
  }

  #settle({ id }: WorkerRecord, reply: ControlReply): void {
    const inquiry = this.#inquiries.get(id);
    if (inquiry === undefined) return;
    this.#inquiries.delete(id);
    clearTimeout(inquiry.timer);
    for (const answer of inquiry.answers) answer(reply);
  }
}

function about({ slot, pid, generation, state }: WorkerRecord): Readonly<Record<string, unknown>> {
  return { slot, pid, generation, state: state.name };
}
