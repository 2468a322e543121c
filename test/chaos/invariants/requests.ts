/** Every request ended well, or its failure is one of those that docs/guarantees.md allows. Pure. */

import { judge } from "../../support/traffic/excuses.mjs";
import type { Death, Reason } from "../../support/traffic/excuses.mjs";
import { serverFailures } from "../../support/traffic/tally.mjs";
import type { Failure, Tally } from "../../support/traffic/tally.mjs";
import type { EndKind } from "../endings.ts";
import { Violation } from "../violation.ts";

/** The moment from which on the server was to end, and how. */
export interface End {
  readonly kind: EndKind;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Failures that are allowed, by their excuse; `afterEnd`: of connections made when the server had been told to end. */
export type Allowed = Readonly<Record<Reason | "afterEnd", number>>;

/** The clocks of two processes. */
const CLOCK_MS = 50;
/** When the master is killed, what waits in the accept queue is lost: so long a connection may have waited there. */
const QUEUE_MS = 1000;

/** How many failures are allowed. Throws a Violation when another one is among them. */
export function allowedFailures(tallies: readonly Tally[], deaths: readonly Death[], end?: End): Allowed {
  const failures = tallies.flatMap((tally) => serverFailures(tally));
  const before = failures.filter((failure) => end === undefined || !isAfterEnd(failure, end));
  const { excused, unexcused } = judge(before, deaths);
  const [first] = unexcused;
  if (first !== undefined) {
    const more = unexcused.length === 1 ? "" : `, and ${unexcused.length - 1} more`;
    throw new Violation("request", `a request failed that nothing excuses: ${describe(first)}${more}`);
  }
  const count = (reason: Reason): number => excused.filter((one) => one.reason === reason).length;
  return {
    seen: count("seen"),
    held: count("held"),
    counted: count("counted"),
    afterEnd: failures.length - before.length,
  };
}

/**
 * A server that ends gracefully answers all that connected before, one that is killed all that its workers had
 * accepted, and one that is told to be quick nothing.
 */
function isAfterEnd({ outcome, startedAt, endedAt, openedAt, lastPid, bytesReceived }: Failure, end: End): boolean {
  if (end.kind === "quick") return endedAt >= end.at - CLOCK_MS;
  if (outcome === "refused") return startedAt >= end.at - CLOCK_MS;
  if (outcome !== "reset" && outcome !== "closedBeforeReply") return false;
  const graceMs = end.kind === "killed" ? QUEUE_MS : CLOCK_MS;
  // One that was reset while it was being made has no other time than that at which it was asked for.
  const connectedAt = openedAt === 0 ? startedAt : openedAt;
  return lastPid === undefined && bytesReceived === 0 && connectedAt >= end.at - graceMs;
}

function describe({
  kind,
  outcome,
  detail,
  startedAt,
  endedAt,
  openedAt,
  lastPid,
  localPort,
  repliesBefore,
  bytesReceived,
}: Failure): string {
  const whose = localPort === undefined ? "a client without a port" : `the client's port ${localPort}`;
  const made = openedAt === 0 ? "never made" : `made ${Math.round(startedAt - openedAt)} ms before it was asked`;
  const worker = lastPid === undefined ? "that no worker had answered yet" : `last answered by worker ${lastPid}`;
  return (
    `${outcome} (${detail}) on a connection of kind ${kind} of ${whose}, ${made}, ${worker}, after ${repliesBefore} replies, ` +
    `${bytesReceived} bytes of this one and ${Math.round(endedAt - startedAt)} ms, at ${new Date(endedAt).toISOString()}`
  );
}
