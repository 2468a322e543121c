/** Starts the traffic in a process of its own and talks to it. Plain JavaScript: the benchmarks use it as it is. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {import("./client.mjs").TrafficOptions} TrafficOptions */
/** @typedef {import("./tally.mjs").Tally} Tally */

/**
 * @typedef {object} Traffic running traffic
 * @property {() => Promise<Tally>} snapshot everything counted so far
 * @property {(condition: (tally: Tally) => boolean, timeoutMs?: number) => Promise<Tally>} until resolves with the first
 *   tally that satisfies `condition`; rejects after `timeoutMs` (45 000)
 * @property {() => Promise<Tally>} expectEnd from now on whoever is refused a connection does not ask for another
 * @property {() => Promise<Tally>} stop sends nothing new, waits for the replies that are due, and counts. A second
 *   call gives the same tally
 * @property {() => void} kill ends the client's process at once, if it still runs
 */

/**
 * Resolves when the traffic runs.
 * @param {TrafficOptions} options
 * @returns {Promise<Traffic>}
 */
export async function startTraffic(options) {
  const child = fork(new URL("./main.mjs", import.meta.url), [], {
    execArgv: [],
    env: {},
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  /** @type {Promise<Tally> | undefined} */
  let stopped;

  /**
   * One question at a time.
   * @param {object | string} command
   * @returns {Promise<Tally>}
   */
  function ask(command) {
    const answer = last.then(async () => {
      const settled = new AbortController();
      const { signal } = settled;
      try {
        child.send(command);
        const [message] = await Promise.race([once(child, "message", { signal }), untilGone(child, signal)]);
        return message.tally;
      } finally {
        settled.abort();
      }
    });
    last = answer.catch(() => {});
    return answer;
  }

  const traffic = {
    snapshot: () => ask("snapshot"),
    async until(/** @type {(tally: Tally) => boolean} */ condition, timeoutMs = 45_000) {
      const endsAt = performance.now() + timeoutMs;
      for (;;) {
        const tally = await traffic.snapshot();
        if (condition(tally)) return tally;
        if (performance.now() > endsAt)
          throw new Error(`not in ${timeoutMs} ms; so far ${JSON.stringify(tally.outcomes)}`);
        await sleep(50);
      }
    },
    expectEnd: () => ask("expect-end"),
    stop: () => (stopped ??= ask("stop")),
    kill: () => void child.kill("SIGKILL"),
  };
  await ask({ start: options });
  return traffic;
}

/**
 * Rejects when `child` exits.
 * @param {import("node:child_process").ChildProcess} child
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
async function untilGone(child, signal) {
  const [code, killedBy] = await once(child, "exit", { signal });
  throw new Error(`the traffic client ended by itself: ${String(killedBy ?? code)}`);
}
