/**
 * Which failures the death of a worker excuses (docs/guarantees.md, "When a failure is allowed"): the connection was
 * reset or closed while the request was in flight, and the dead worker held it. How that is known:
 *
 *  - `seen`      the worker was the last to answer on the connection.
 *  - `held`      it was not, as where the connection is fresh or had moved to it, but when it died, standing still, the system's tables listed the client's port among its
 *                connections. So a connection that waited in the accept queue, or that another worker had, is not excused.
 *  - `counted`   unix sockets, whose clients have no name: it ended in the moment of the death, without a byte of reply,
 *                and no more such requests are excused than the dead worker held connections.
 *
 * Never excused: what was refused, timed out, or answered badly.
 */

/** @typedef {import("./tally.mjs").Failure} Failure */
/** @typedef {"seen" | "held" | "counted"} Reason */

/**
 * @typedef {object} Death one worker's end that a test has caused
 * @property {number} pid
 * @property {number} from epoch milliseconds from which on it answered nothing: it was stopped, hung or killed
 * @property {number} to epoch milliseconds at which the server had seen its end
 * @property {readonly number[]} ports the clients' ports of the TCP connections that it held
 * @property {number} unix how many connections it held on unix sockets
 */

/** How much later than the server a client on a busy machine may see an end, and by how much two clocks may differ. */
const SLACK_MS = 1000;

const ENDED_BY_DEATH = new Set(["reset", "closedBeforeReply"]);

/**
 * Judges each failure; what crossed with the server's close and the client's own shortages are to be left out before.
 * @param {readonly Failure[]} failures
 * @param {readonly Death[]} deaths
 * @returns {{ excused: { failure: Failure, reason: Reason, pid: number }[], unexcused: Failure[] }}
 */
export function judge(failures, deaths) {
  /** @type {{ failure: Failure, reason: Reason, pid: number }[]} */
  const excused = [];
  /** @type {Failure[]} */
  const unexcused = [];
  const unixLeft = new Map(deaths.map((death) => [death, death.unix]));
  // Those with a known worker first: they use up what the others may be counted against.
  const isSeen = (/** @type {Failure} */ { lastPid }) => deaths.some(({ pid }) => pid === lastPid);
  for (const failure of failures.toSorted((one, other) => Number(isSeen(other)) - Number(isSeen(one)))) {
    const found = excuse(failure, deaths, unixLeft);
    if (found === undefined) {
      unexcused.push(failure);
      continue;
    }
    const [death, reason] = found;
    if (failure.localPort === undefined) unixLeft.set(death, (unixLeft.get(death) ?? 0) - 1);
    excused.push({ failure, reason, pid: death.pid });
  }
  return { excused, unexcused };
}

/**
 * @param {Failure} failure
 * @param {readonly Death[]} deaths
 * @param {ReadonlyMap<Death, number>} unixLeft
 * @returns {readonly [Death, Reason] | undefined}
 */
function excuse(failure, deaths, unixLeft) {
  if (!ENDED_BY_DEATH.has(failure.outcome)) return undefined;
  const { lastPid, localPort, openedAt, bytesReceived } = failure;
  const possible = deaths.filter((death) => wasInFlight(failure, death));
  const seen = possible.find(({ pid }) => pid === lastPid);
  if (lastPid !== undefined && seen !== undefined) return [seen, "seen"];
  if (openedAt === 0) return undefined;
  if (localPort !== undefined)
    return named(
      possible.find(({ ports }) => ports.includes(localPort)),
      "held",
    );
  if (bytesReceived > 0) return undefined;
  return named(
    possible.find((death) => (unixLeft.get(death) ?? 0) > 0),
    "counted",
  );
}

/**
 * @param {Death | undefined} death
 * @param {Reason} reason
 * @returns {readonly [Death, Reason] | undefined}
 */
const named = (death, reason) => death && [death, reason];

/**
 * @param {Failure} failure
 * @param {Death} death
 */
function wasInFlight({ startedAt, endedAt }, { from, to }) {
  return startedAt <= to + SLACK_MS && endedAt >= from - SLACK_MS;
}
