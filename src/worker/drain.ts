/**
 * How a worker leaves without losing a request: it tells the application, stops accepting, answers everything with
 * `Connection: close`, keeps idle connections open for one more request each while it lingers, then waits for what is
 * in flight, at most until the deadline.
 */

import type net from "node:net";
import { messageOf, reportError } from "../errors.ts";
import { stopAccepting } from "../node-handles.ts";
import { REQUESTS_TOLD } from "../hung-account.ts";
import { emptyAcceptQueues } from "./accept-queue.ts";
import { log } from "./channel.ts";
import { closeIfIdle } from "./close-unless-read.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { Handover, OfferEnd } from "./handover.ts";
import type { HeldServer } from "./held-server.ts";
import { IdleClosing } from "./idle-closing.ts";
import type { Lifecycle } from "./look-beside.ts";
import { emitTerm, hasOwnTermListeners } from "./process-signals.ts";
import { settledWithin } from "../settled-within.ts";

export interface DrainPlan {
  readonly servers: readonly net.Server[];
  /** Other servers of the application: they stop accepting, and nobody waits for what is not HTTP. */
  readonly others: readonly net.Server[];
  /** A program's own server behind `servers`. */
  readonly held: HeldServer | undefined;
  readonly connections: Connections;
  /** Other workers may take what is idle; undefined when there will be none. */
  readonly handover: Handover | undefined;
  readonly lifecycle: Pick<Lifecycle, "beforeDrain" | "shutdown">;
  readonly lingerMs: number;
  readonly deadlineMs: number;
  /** Nobody takes over: the accept queue is emptied before the sockets close. */
  readonly wholeServer: boolean;
  /** False for an orphan: it closes its sockets at once, whatever its application has to say, to free the port. */
  readonly mayDelay: boolean;
}

/** What `beforeDrain()` may take; new connections are accepted meanwhile. */
const LONGEST_BEFORE_DRAIN_MS = 10_000;
/** How often the connections are looked through for those whose lingering is over. */
const SWEEP_EVERY_MS = 100;
/** What an application gets to come to its end by itself, with its own SIGTERM listeners or the callback of its `close()`. */
const LONGEST_TERM_MS = 5000;

/** Resolves when the last connection is gone or the deadline has passed, and the application has shut down. Never rejects. */
export async function drain(plan: DrainPlan): Promise<void> {
  const { servers, connections, lifecycle } = plan;
  const deadlineAt = performance.now() + plan.deadlineMs;
  const remainingMs = (): number => Math.max(0, deadlineAt - performance.now());
  if (plan.mayDelay) await tellApplication(lifecycle, remainingMs());
  connections.beginDrain();
  if (plan.wholeServer) await emptyAcceptQueues(servers, remainingMs());
  else for (const server of servers) stopAccepting(server);
  for (const server of plan.others) if (server.listening) stopAccepting(server);
  if (!plan.mayDelay) await tellApplication(lifecycle, remainingMs());
  const { handover } = plan;
  let moved = 0;
  const ended = (connection: Connection, how: OfferEnd): void => {
    if (how === "taken") moved++;
    else if (how === "left") closeIfIdle(connection);
  };
  const closing = new IdleClosing(handover && ((connection) => handover.offer(connection, { ended })));
  const sweep = setInterval(
    () => closing.close(connections.all(), plan.lingerMs),
    Math.min(SWEEP_EVERY_MS, Math.max(1, plan.lingerMs)),
  );
  if (!(await settledWithin(remainingMs(), connections.empty()))) {
    log("warn", "drain deadline passed", { connections: connections.size, ...connections.inFlight(REQUESTS_TOLD) });
    connections.destroyAll();
  }
  clearInterval(sweep);
  if (moved > 0) log("debug", "connections moved", { connections: moved });
  await shutDown(lifecycle, remainingMs(), plan.held);
}

async function tellApplication(lifecycle: DrainPlan["lifecycle"], remainingMs: number): Promise<void> {
  // What PM2 sends to a process that is to leave.
  guarded("shutdown message", () => process.emit("message", "shutdown", undefined));
  await call("beforeDrain", lifecycle, Math.min(LONGEST_BEFORE_DRAIN_MS, remainingMs));
}

async function shutDown(
  lifecycle: DrainPlan["lifecycle"],
  remainingMs: number,
  held: HeldServer | undefined,
): Promise<void> {
  const budgetMs = Math.max(SHORTEST_SHUTDOWN_MS, remainingMs);
  const hasClosed = held?.isClosed === true;
  held?.emptied();
  await call("shutdown", lifecycle, budgetMs);
  // Programs end the process when they are told that their server is closed: what is exported comes first.
  held?.finish();
  if (!hasOwnTermListeners() && !hasClosed) return;
  guarded("SIGTERM listener", emitTerm);
  await nothingLeft(Math.min(LONGEST_TERM_MS, budgetMs));
}

/** The application ends the process when it is done, or leaves it nothing to wait for, as when Node runs it alone. */
async function nothingLeft(ms: number): Promise<void> {
  process.channel?.unref();
  await new Promise<void>((resolve) => {
    process.once("beforeExit", () => resolve());
    setTimeout(resolve, ms).unref();
  });
}

/** Even at the deadline the application gets a moment to say goodbye. */
const SHORTEST_SHUTDOWN_MS = 200;

/** Listeners of the application's own: one that throws must not keep the worker from leaving. */
function guarded(what: string, emit: () => unknown): void {
  try {
    emit();
  } catch (error) {
    log("error", "application error", { function: what, error: reportError(error) });
  }
}

async function call(name: "beforeDrain" | "shutdown", lifecycle: DrainPlan["lifecycle"], ms: number): Promise<void> {
  const hook = lifecycle[name];
  if (hook === undefined) return;
  try {
    if (!(await settledWithin(ms, hook())))
      log("warn", "application is late", { function: name, waitedMs: Math.round(ms) });
  } catch (error) {
    log("error", "application error", { function: name, message: messageOf(error), error: reportError(error) });
  }
}
