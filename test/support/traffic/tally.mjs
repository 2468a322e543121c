/** What the traffic counts, and which failures a death excuses. Plain data, because it crosses a process boundary. */

import { now } from "./connection.mjs";

/** @typedef {import("./connection.mjs").Outcome} Outcome */
/** @typedef {import("./connection.mjs").IdleEvent} IdleEvent */
/** @typedef {"keep-alive" | "fresh" | "idle" | "single"} ConnectionKind `single`: one that a test asks by itself */

/**
 * @typedef {object} Failure one request that did not end well, or crossed with the server's close
 * @property {ConnectionKind} kind
 * @property {Outcome} outcome
 * @property {string} detail
 * @property {number} openedAt epoch milliseconds at which the connection was made; 0 if it never was
 * @property {number} startedAt epoch milliseconds
 * @property {number} endedAt epoch milliseconds
 * @property {number} bytesReceived
 * @property {number} repliesBefore complete replies on this connection before
 * @property {number} [lastPid] the worker that this connection last saw
 * @property {number} [localPort] the client's port
 */

/**
 * @typedef {object} Tally
 * @property {number} requests sent or attempted: the sum of the outcomes
 * @property {Record<Outcome, number>} outcomes
 * @property {Record<string, number>} byKind requests by the kind of their connection
 * @property {{ closed: number, reset: number, unsolicited: number, toldToClose: number }} idle closes with no request
 *   in flight: by FIN, by reset, after bytes nobody asked for; and replies with `Connection: close` to clients that had
 *   not asked for it
 * @property {Record<string, number>} byPid ok replies by the worker that gave them
 * @property {Record<string, number>} firstIdleCloseByPid when the first connection on which this worker had answered was
 *   closed while it was idle, in epoch milliseconds
 * @property {Record<string, number>} lastKeptByPid when the last request was sent that this worker answered without
 *   closing the connection, in epoch milliseconds
 * @property {{ p50: number, p99: number, max: number }} latencyMs of ok replies
 * @property {Failure[]} failures the first thousand
 * @property {number} durationMs
 */

const MAX_FAILURES = 1000;

/** Outcomes that are failures of the server. */
const FAILED = /** @type {const} */ (["badStatus", "reset", "closedBeforeReply", "refused", "timedOut"]);

/** Counts outcomes as they come. */
export class TallyKeeper {
  #startedAt = performance.now();
  #latencies = /** @type {number[]} */ ([]);
  /** @type {Omit<Tally, "latencyMs" | "durationMs" | "requests">} */
  #counts = {
    outcomes: {
      ok: 0,
      badStatus: 0,
      reset: 0,
      closedBeforeReply: 0,
      refused: 0,
      timedOut: 0,
      crossed: 0,
      clientError: 0,
    },
    byKind: { "keep-alive": 0, fresh: 0, idle: 0 },
    idle: { closed: 0, reset: 0, unsolicited: 0, toldToClose: 0 },
    byPid: {},
    firstIdleCloseByPid: {},
    lastKeptByPid: {},
    failures: [],
  };

  /**
   * @param {ConnectionKind} kind
   * @param {import("./connection.mjs").Exchange} exchange
   * @param {import("./connection.mjs").Connection | undefined} connection undefined when none was made
   */
  record(kind, { outcome, detail, startedAt, endedAt, bytesReceived, reply }, connection) {
    const counts = this.#counts;
    counts.outcomes[outcome] += 1;
    counts.byKind[kind] = (counts.byKind[kind] ?? 0) + 1;
    if (kind !== "fresh" && reply?.mustClose === true) counts.idle.toldToClose += 1;
    if (outcome === "ok") {
      this.#latencies.push(endedAt - startedAt);
      const pid = String(connection?.lastPid ?? "unknown");
      counts.byPid[pid] = (counts.byPid[pid] ?? 0) + 1;
      if (reply?.mustClose === false) counts.lastKeptByPid[pid] = Math.max(startedAt, counts.lastKeptByPid[pid] ?? 0);
    } else if (counts.failures.length < MAX_FAILURES) {
      const { openedAt = 0, lastPid, localPort, replies = 0 } = connection ?? {};
      counts.failures.push({
        kind,
        outcome,
        detail,
        openedAt,
        startedAt,
        endedAt,
        bytesReceived,
        repliesBefore: reply === undefined ? replies : replies - 1,
        ...(lastPid === undefined ? {} : { lastPid }),
        ...(localPort === undefined ? {} : { localPort }),
      });
    }
  }

  /**
   * @param {IdleEvent} event
   * @param {import("./connection.mjs").Connection} [connection]
   */
  recordIdle(event, connection) {
    this.#counts.idle[event] += 1;
    if (connection?.lastPid !== undefined) this.#counts.firstIdleCloseByPid[connection.lastPid] ??= now();
  }

  /**
   * A copy of everything counted so far.
   * @returns {Tally}
   */
  snapshot() {
    const counts = structuredClone(this.#counts);
    const sorted = Float64Array.from(this.#latencies).sort();
    /** @param {number} share */
    const quantile = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      requests: Object.values(counts.outcomes).reduce((sum, count) => sum + count, 0),
      ...counts,
      latencyMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
      durationMs: performance.now() - this.#startedAt,
    };
  }
}

/**
 * How many requests failed, excused or not; crossed ones and the client's own shortages are not among them.
 * @param {Tally} tally
 */
export function failedCount({ outcomes }) {
  return FAILED.reduce((sum, outcome) => sum + outcomes[outcome], 0);
}

/**
 * The failures of the server on record: without what crossed, and without the client's own shortages.
 * @param {Tally} tally
 * @returns {Failure[]}
 */
export function serverFailures({ failures }) {
  return failures.filter(({ outcome }) => FAILED.some((failed) => failed === outcome));
}

/**
 * The failures that no death excuses. A failure is allowed only if the worker that the connection last saw died while
 * the request was in flight; a worker that is dead can have died at no other time, because a connection outlives its
 * worker only until the client reads the end.
 * @param {Tally} tally
 * @param {Iterable<number>} [diedPids] workers that were killed or crashed
 * @returns {Failure[]}
 */
export function unexcusedFailures(tally, diedPids = []) {
  const died = new Set(diedPids);
  return serverFailures(tally).filter(({ lastPid }) => lastPid === undefined || !died.has(lastPid));
}
