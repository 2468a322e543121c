/**
 * The pool's life as log records: constant messages, the worker's slot, generation and pid beside them, and with every
 * change of the pool the four counts. A slot in a crash loop writes no more than its budget. Where somebody looks at the
 * server from outside, the chronicle is told the same.
 */

import { heapLimitFor } from "../config/heap-limit.ts";
import type { Configuration, LogLevel } from "../config/types.ts";
import { monotonicNow } from "../deadline.ts";
import type { LogFields, WriteRecord } from "../logger.ts";
import type { ApplicationInfo, DrainReason, PythonFailureKind, Report } from "../messages.ts";
import type { MoveReason } from "../observe/observation.ts";
import type { Chronicle } from "./chronicle.ts";
import { heapFacts } from "./boot-order.ts";
import type { Examination } from "./hang/examine.ts";
import { findings } from "./hang/findings.ts";
import type { Listener } from "./listeners.ts";
import { type Exit, HEAP_LIMIT_REACHED, KILLED_FOR_MEMORY } from "./exit-cause.ts";
import { LogBudget } from "./log-budget.ts";
import { type Departure, type EndCause, isReady, type Rollout, type WorkerRecord } from "./model.ts";
import type { OutputLine } from "./output-lines.ts";
import { isHeldBack } from "./recycling.ts";
import { isCanary } from "./rollout.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { OutputStream } from "./worker-process.ts";

const TOO_SMALL = "give the container more memory, or run fewer --workers: the kernel kills them when it is used up";

export class Journal {
  readonly #write: WriteRecord;
  readonly #pool: WorkerPool;
  readonly #budget: LogBudget;
  readonly #chronicle: Chronicle | undefined;
  #degraded = "";
  #heldBack = 0;
  #transport = "";
  readonly #unreplaced = new Map<number, number>();
  #named: { readonly generation: number; readonly addresses: Set<string> } = { generation: 0, addresses: new Set() };

  constructor(write: WriteRecord, pool: WorkerPool, chronicle?: Chronicle) {
    this.#write = write;
    this.#pool = pool;
    this.#chronicle = chronicle;
    this.#budget = new LogBudget(write);
  }

  starting(configuration: Configuration): void {
    const { settings, app, workersReason, configFile } = configuration;
    const mounts = settings.mount.map((mount) => `${mount.point.text}=${mount.app}`);
    const heap = heapLimitFor(heapFacts(configuration, settings.workers));
    this.#write("info", "server starting", {
      app,
      mounts: mounts.length === 0 ? undefined : mounts,
      workers: settings.workers,
      workersReason,
      heapLimitMb: heap.megabytes,
      heapLimitReason: heap.reason,
      config: configFile,
      node: process.version,
    });
    if (heap.isTooSmall)
      this.#write("warn", "memory limit is too small", { workers: settings.workers, hint: TOO_SMALL });
  }

  spawned(worker: WorkerRecord): void {
    this.#chronicle?.spawned();
    this.#change("info", "worker spawned", worker);
  }

  /** Said once a generation, by its first worker. */
  applicationFound(worker: WorkerRecord, info: ApplicationInfo, rollout: Rollout | undefined): void {
    if (!isCanary(worker, rollout)) return;
    const { ignored = [], ...found } = info;
    this.#transport = info.transport;
    this.#write("info", "application found", { ...identity(worker), ...found });
    for (const { name, type } of ignored) {
      const fields = { application: info.application, name, type };
      this.#write("warn", "export ignored: it is no function", { ...identity(worker), ...fields });
    }
  }

  /** What serves the applications that were found last; "" before. */
  get transport(): string {
    return this.#transport;
  }

  listening(listeners: readonly Listener[]): void {
    for (const { address } of listeners) this.#write("info", "listening", { address, transport: this.#transport });
  }

  /** A record that a worker wrote. */
  fromWorker(worker: WorkerRecord, { level, msg, fields }: Extract<Report, { tsgate: "log" }>): void {
    const record = { role: "worker", ...identity(worker), ...fields };
    if (msg === "application error") this.#chronicle?.applicationError(worker, fields);
    // What throws once often throws again and again, for as long as the worker drains.
    if (msg === UNCAUGHT) this.#budgeted(worker, level, msg, record, true);
    else this.#write(level, msg, record);
  }

  /** A line that a worker has written to its standard output or error. */
  output(id: number, stream: OutputStream, { text, isPart }: OutputLine): void {
    const worker = this.#pool.worker(id);
    const who = worker === undefined ? { id } : identity(worker);
    const record = { role: "worker", ...who, stream, text, ...(isPart ? { isPart } : {}) };
    if (stream === "stdout") this.#write("info", "application output", record);
    else this.#write("warn", "application output", record);
  }

  ready(worker: WorkerRecord, bootMs: number): void {
    this.#chronicle?.ready(worker, bootMs);
    this.#change("info", "worker ready", worker, { bootMs: Math.round(bootMs) });
  }

  /** It accepts nothing for a while, so that connections spread evenly. */
  paused(worker: WorkerRecord, connections: number): void {
    this.#write("debug", "worker paused", { ...identity(worker), connections });
  }

  resumed(worker: WorkerRecord, connections: number): void {
    this.#write("debug", "worker resumed", { ...identity(worker), connections });
  }

  /** One of its idle connections is another worker's now; of consequence only to those who count. */
  moved(why: MoveReason): void {
    this.#chronicle?.moved(why);
  }

  /** It had far more connections than its share, and others have taken idle ones. */
  given(worker: WorkerRecord, connections: number): void {
    this.#write("debug", "connections given", { ...identity(worker), connections });
  }

  /** `held`: what each worker has since then. */
  evened(fields: { readonly connections: number; readonly tookMs: number; readonly held: readonly number[] }): void {
    this.#write("info", "connections evened", { ...fields });
  }

  draining(worker: WorkerRecord, why: DrainReason, facts: LogFields = {}): void {
    this.#chronicle?.draining(worker, why);
    this.#change("info", "worker draining", worker, { why, ...facts });
  }

  /** Said once a generation: a limit that a fresh worker exceeds would have its workers replaced for ever. */
  heldBack(worker: WorkerRecord, now: number): void {
    if (worker.generation <= this.#heldBack || !isHeldBack(worker, now)) return;
    this.#heldBack = worker.generation;
    const { rssBytes } = worker.usage;
    const fields = { rssBytes, maxMemoryBytes: worker.recycling.rssBytes, hint: HELD_BACK_HINT };
    this.#write("warn", "memory limit reached by a fresh worker", { ...identity(worker), ...fields });
  }

  /** Said once for each worker that stays because whoever was to replace it failed to boot. */
  replacementFailed({ worker, lastState, isAbnormal, failure }: Departure): void {
    const { slot, generation } = worker;
    if (!isAbnormal || lastState.name !== "booting" || generation !== this.#pool.generation) return;
    const held = this.#pool.workers.find((one) => one.slot === slot && isReady(one) && one.unwanted !== undefined);
    if (held === undefined || held.id === this.#unreplaced.get(slot)) return;
    this.#unreplaced.set(slot, held.id);
    const fields = { why: held.unwanted?.why, error: failure?.summary, hint: UNREPLACED_HINT };
    this.#write("error", "worker not replaced", { ...identity(held), ...fields });
  }

  uncaught(worker: WorkerRecord, { origin, error, inFlight, requests }: Extract<Report, { tsgate: "uncaught" }>): void {
    this.#chronicle?.uncaught(worker, error);
    this.#about(worker, "error", UNCAUGHT, { origin, error, inFlight, requests });
  }

  /** Its Python is hung, and the worker beside it well enough to say so; or has ended. */
  pythonFailed(worker: WorkerRecord, how: PythonFailureKind, facts: LogFields, isOomKill: boolean): void {
    this.#chronicle?.pythonFailed(worker, how, facts);
    const memory = isOomKill ? { killed: KILLED_FOR_MEMORY, hint: KERNEL_HINT } : {};
    const fields = { ...facts, ...memory };
    if (how === "hung") this.#about(worker, "error", "worker hung", fields);
    else this.#about(worker, "error", "interpreter died", fields);
  }

  disconnected(worker: WorkerRecord): void {
    this.#chronicle?.draining(worker, "disconnected");
    this.#about(worker, "error", "the application closed the channel to the master", { hint: DISCONNECTED_HINT });
  }

  serverClosed(worker: WorkerRecord): void {
    this.#chronicle?.draining(worker, "closed by the application");
    this.#about(worker, "error", "the application closed its server");
  }

  /** Said once a generation for each address. */
  alsoListening(worker: WorkerRecord, { address, isGuess }: Extract<Report, { tsgate: "also-listening" }>): void {
    const { generation } = worker;
    if (this.#named.generation !== generation) this.#named = { generation, addresses: new Set() };
    if (this.#named.addresses.has(address)) return;
    this.#named.addresses.add(address);
    const hint = isGuess ? { hint: "--listen-match says which server gets the sockets; it was the first" } : {};
    this.#write(isGuess ? "warn" : "info", "also listening", { generation, address, sharedBy: "workers", ...hint });
  }

  /** A deadline has passed: the worker is killed. What blocks its event loop is told with it. */
  killed(worker: WorkerRecord, cause: EndCause, examination: Examination | undefined): void {
    // Told to leave at once, it was given no time: its end is not worth a warning.
    if (worker.hasQuitOrder) return;
    const found: LogFields =
      examination === undefined
        ? { found: worker.examined && "nothing: there was no time to find out what blocks it" }
        : findings(examination);
    this.#chronicle?.killed(worker, cause, found);
    if (cause === "hung") this.#about(worker, "error", "worker hung", found);
    else this.#about(worker, "warn", "worker killed", { cause, ...found });
  }

  /** @param isSaidElsewhere its failure ends the rollout or the start, which says why in its own words */
  gone(departure: Departure, { code, signal, isOomKill }: Exit, isSaidElsewhere: boolean): void {
    const { worker, failure, cause, isAbnormal } = departure;
    this.#chronicle?.gone(departure, code, signal, isSaidElsewhere);
    const isLoud = isAbnormal && !isSaidElsewhere;
    const why = isLoud && failure !== undefined ? { error: failure.summary, stack: failure.stack } : {};
    const { requests, rssBytes } = worker.usage;
    const served = rssBytes === 0 ? {} : { requests, rssBytes };
    const facts = { cause, code, signal, ...served, ...why, ...memoryFacts(worker, cause, signal, isOomKill) };
    this.#change(isLoud || isOomKill ? "error" : "info", "worker gone", worker, facts);
  }

  resized(target: number): void {
    this.#chronicle?.resized(target);
    this.#write("info", "workers changed", { target, ...this.#pool.counts() });
  }

  reload(outcome: "started" | "superseded" | "done", generation: number, fields?: LogFields): void {
    const facts = { generation, ...fields, ...this.#pool.counts() };
    switch (outcome) {
      case "started":
        this.#chronicle?.reloadStarted(generation);
        return this.#write("info", "reload started", facts);
      case "superseded":
        this.#chronicle?.reloadSuperseded(generation);
        return this.#write("info", "reload superseded", facts);
      case "done":
        this.#chronicle?.reloadDone(generation);
        return this.#write("info", "reload done", facts);
    }
  }

  reloadFailed(generation: number, error: string, stack?: string): void {
    this.#chronicle?.reloadFailed(generation, error, stack);
    this.#write("error", "reload failed", {
      generation,
      error,
      ...(stack === undefined ? {} : { stack }),
      ...this.#pool.counts(),
    });
  }

  /** Says when the set of slots in back-off has changed. */
  degradation(): void {
    const slots = this.#pool.degradedSlots();
    const now = slots.join(",");
    if (now === this.#degraded) return;
    this.#degraded = now;
    this.#chronicle?.degradation(slots);
    if (slots.length > 0) this.#write("warn", "degraded", { slots, ...this.#pool.counts() });
    else this.#write("info", "recovered", { ...this.#pool.counts() });
  }

  #change(level: "info" | "error", msg: string, worker: WorkerRecord, fields?: LogFields): void {
    this.#about(worker, level, msg, { ...fields, ...this.#pool.counts() });
  }

  #about(worker: WorkerRecord, level: LogLevel, msg: string, fields?: LogFields): void {
    this.#budgeted(worker, level, msg, { ...identity(worker), ...fields });
  }

  #budgeted({ slot }: WorkerRecord, level: LogLevel, msg: string, fields: LogFields, isLesser = false): void {
    const hasFailed = this.#pool.slotHistory(slot).failures > 0;
    this.#budget.write(slot, hasFailed, monotonicNow(), level, msg, fields, isLesser);
  }
}

const UNCAUGHT = "uncaught exception in the application";

/** What there is to say where memory has run out, or may have. */
function memoryFacts({ usage }: WorkerRecord, cause: EndCause, signal: string | null, isOomKill: boolean): LogFields {
  if (isOomKill) return { ...(cause === KILLED_FOR_MEMORY ? {} : { killed: KILLED_FOR_MEMORY }), hint: KERNEL_HINT };
  const { heapUsedBytes, heapLimitBytes } = usage;
  if (cause === HEAP_LIMIT_REACHED) return { heapUsedBytes, heapLimitBytes, hint: HEAP_HINT };
  return signal === "SIGABRT" && cause === "crashed" ? { hint: ABORT_HINT } : {};
}

const KERNEL_HINT = "more memory, fewer --workers, or --max-memory to replace workers before they are killed";
const HEAP_HINT =
  "a larger --node-arg=--max-old-space-size=MB, or --max-memory to replace workers before it is reached";
const ABORT_HINT = "Node has aborted: its last words are on standard error, and most often say that the heap is full";
const DISCONNECTED_HINT = "leave process.disconnect() out: a worker that can be told nothing is replaced";
const HELD_BACK_HINT = "--max-memory is below what the application needs; its slots are recycled every 30 s at most";
const UNREPLACED_HINT = "its replacement failed; it goes on serving, and another is tried later each time";

function identity({ slot, id, generation, pid }: WorkerRecord): LogFields {
  return { slot, generation, id, pid };
}
