/** Five reloads under the traffic of docs/guarantees.md. */

import { setTimeout as sleep } from "node:timers/promises";
import { APPS, startTsgate } from "./lib/servers.mjs";
import { startTraffic } from "../support/traffic/start.mjs";
import { failedCount } from "../support/traffic/tally.mjs";

const LINGER_MS = 1000;
const RELOADS = 5;

/** @type {import("./run.mjs").Benchmark} */
export async function reloads({ node }) {
  const server = await startTsgate({ node, app: APPS.listener, workers: 4, args: ["--linger", `${LINGER_MS}ms`] });
  const traffic = await startTraffic({ target: { host: "127.0.0.1", port: server.port }, lingerMs: LINGER_MS });
  try {
    await sleep(1000);
    for (let reload = 1; reload <= RELOADS; reload += 1) {
      server.signal("SIGHUP");
      await untilLogged(server, "reload done", reload);
    }
    await sleep(3 * LINGER_MS);
    const { failures, ...tally } = await traffic.stop();
    const failed = failedCount({ ...tally, failures });
    return [
      {
        name: "five reloads under traffic, failed requests",
        asked: "0",
        reached: `${failed} of ${tally.requests}`,
        isReached: failed === 0,
        details: { ...tally, failures: failures.slice(0, 20) },
      },
    ];
  } finally {
    traffic.kill();
    await server.stop();
  }
}

/**
 * @param {import("./lib/servers.mjs").Running} server
 * @param {string} msg
 * @param {number} count
 */
async function untilLogged(server, msg, count) {
  const endsAt = performance.now() + 60_000;
  while (server.output().split(`"msg":"${msg}"`).length <= count) {
    if (performance.now() > endsAt) throw new Error(`no ${count}th "${msg}"\n${server.output()}`);
    await sleep(20);
  }
}
