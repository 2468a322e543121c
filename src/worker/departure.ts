/**
 * How a worker's life ends, once, and whatever asks again changes nothing: because its master says so or is gone, because
 * of a SIGTERM that no master answers, or because it cannot go on. It takes nothing in any more, drains, says what is left
 * to say, and ends the process.
 */

import type net from "node:net";
import type { BootOrder } from "../boot-order.ts";
import { EXIT } from "../errors.ts";
import type { DrainReason } from "../messages.ts";
import { settledWithin } from "../settled-within.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import { reportLastApplicationMetrics } from "./application-metrics.ts";
import type { Applications } from "./applications.ts";
import { mainModule } from "./boot.ts";
import { report } from "./channel.ts";
import type { Connections } from "./connections.ts";
import { drain } from "./drain.ts";
import type { Handover } from "./handover.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { runWorkerHook } from "./hooks.ts";
import { outputWritten } from "./output-written.ts";
import type { Reception } from "./reception.ts";

/** An orphan's idle connections need not be kept for long: nobody reloads behind it. */
const ORPHAN_LINGER_MS = 1000;
/** How long a master may take to say whose the connections are that came just before the end. */
const ARRIVALS_MS = 1000;
/** How long a master may take to answer that it has seen this worker's SIGTERM. */
const TERM_ANSWER_MS = 1000;

/** What there is to leave, as far as the worker has come. */
export interface Belongings {
  readonly connections: Connections;
  /** By which idle ones go to workers that stay. */
  readonly handover: Handover;
  /** Other servers of the application, which listen by themselves. */
  readonly others: readonly net.Server[];
  readonly order: BootOrder | undefined;
  readonly applications: Applications | undefined;
  readonly reception: Reception | undefined;
  readonly requests: RequestWatch | undefined;
  readonly heartbeat: Heartbeat | undefined;
}

export interface DepartureOptions {
  readonly why: DrainReason;
  readonly deadlineMs: number;
  readonly wholeServer?: boolean;
  readonly exitCode?: number;
}

export class Departure {
  readonly #belongings: () => Belongings;
  #hasBegun = false;
  #termTimer: NodeJS.Timeout | undefined;

  constructor(belongings: () => Belongings) {
    this.#belongings = belongings;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Drains and ends the process. */
  async begin({ why, deadlineMs, wholeServer = false, exitCode = EXIT.stopped }: DepartureOptions): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { connections, handover, others, applications, reception } = this.#belongings();
    this.#belongings().heartbeat?.stopAsking();
    // Also before it is ready: connections may have come on the first of several sockets.
    reception?.leave(wholeServer);
    await settledWithin(ARRIVALS_MS, reception?.arrivals.settled());
    const servers = reception?.servers ?? [];
    if (servers.length > 0) {
      const mayDelay = why !== "orphaned";
      await drain({
        servers,
        others,
        held: applications?.program,
        connections,
        handover: wholeServer || !mayDelay ? undefined : handover,
        lifecycle: applications?.lifecycle ?? {},
        lingerMs: Math.min(this.#belongings().order?.lingerMs ?? 0, mayDelay ? Infinity : ORPHAN_LINGER_MS),
        deadlineMs,
        wholeServer,
        mayDelay,
      });
    }
    const { order, requests, heartbeat } = this.#belongings();
    // What it has served and grown to in the end.
    heartbeat?.beat();
    if (order?.measures === true) await reportLastApplicationMetrics(mainModule(order));
    if (order !== undefined) await runWorkerHook(order.hooksFile, "workerExit", order.worker);
    await outputWritten(requests?.written());
    process.exit(exitCode);
  }

  /** The same where no master has said how long it may take. */
  alone(why: DrainReason, exitCode?: number): void {
    const deadlineMs = this.#belongings().order?.gracefulTimeoutMs ?? 0;
    void this.begin({ why, deadlineMs, ...(exitCode === undefined ? {} : { exitCode }) });
  }

  /** Whether a SIGTERM means this worker or the server is for the master to say; one that does not answer is gone. */
  termReceived(): void {
    if (this.#hasBegun) return;
    report({ tsgate: "term-received" });
    this.#termTimer ??= setTimeout(() => this.alone("terminated"), TERM_ANSWER_MS);
  }

  /** The master has seen it, and will decide. */
  termSeen(): void {
    clearTimeout(this.#termTimer);
    this.#termTimer = undefined;
  }
}
