/**
 * Ten thousand idle keep-alive connections through one reload: none may be closed, and nobody else may notice. Asks on
 * each afterwards, and looks at what other clients waited and at the heartbeats meanwhile.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startTraffic } from "../support/traffic/start.mjs";
import { othersNoticed } from "./lib/bystanders.mjs";
import { descriptorProblem } from "./lib/descriptors.mjs";
import { atMost, notMeasured } from "./lib/figures.mjs";
import { latestHeartbeat, recordHeartbeats } from "./lib/heartbeats.mjs";
import { startIdleCrowd } from "./lib/idle-crowd.mjs";
import { startTsgate } from "./lib/servers.mjs";

/** @typedef {import("./lib/figures.mjs").Figure} Figure */

const APP = fileURLToPath(new URL("apps/idle.mjs", import.meta.url));
const CONNECTIONS = 10_000;
/** One worker may hold them all, beside its own files; the clients are one process too. */
const DESCRIPTORS = CONNECTIONS + 500;
const WORKERS = 2;
const LINGER_MS = 1000;
const LIMIT_MS = 60_000;

/** @type {import("./run.mjs").Benchmark} */
export async function movedConnections({ node }) {
  const problem = descriptorProblem(DESCRIPTORS);
  if (problem !== undefined) return [notMeasured(`${CONNECTIONS} idle connections in a reload`, problem)];
  const figures = [
    ...(await reload(node, "gateway, engine", [APP, "--transport", "engine"])),
    ...(await reload(node, "(req, res), node:http", [`${APP}:listener`])),
  ];
  const markdown = `${WORKERS} workers, \`--linger ${LINGER_MS}ms\`, while other clients go on as in [guarantees.md](guarantees.md).`;
  return { figures, page: { markdown, plots: {} } };
}

/**
 * @param {string} node
 * @param {string} kind
 * @param {readonly [string, ...string[]]} command the application, and settings
 * @returns {Promise<Figure[]>}
 */
async function reload(node, kind, [app, ...settings]) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const file = path.join(folder, "heartbeats");
  const env = recordHeartbeats(file);
  const args = ["--linger", `${LINGER_MS}ms`, "--keep-alive", "120s", ...settings];
  const server = await startTsgate({ node, app, workers: WORKERS, args, env });
  /** @type {Awaited<ReturnType<typeof startIdleCrowd>> | undefined} */
  let crowd;
  /** @type {Awaited<ReturnType<typeof startTraffic>> | undefined} */
  let traffic;
  try {
    crowd = await startIdleCrowd({ port: server.port, count: CONNECTIONS });
    traffic = await startTraffic({ target: { host: "127.0.0.1", port: server.port }, lingerMs: LINGER_MS, idle: 0 });
    await sleep(1000);
    const before = (await server.pids()).filter((pid) => pid !== server.pid);
    const startedAt = Date.now();
    server.signal("SIGHUP");
    await gone(server, before);
    const tookMs = Date.now() - startedAt;
    const tally = await traffic.stop();
    const after = await crowd.ask();
    const lateMs = await latestHeartbeat(file, startedAt, startedAt + tookMs);
    const held = Object.entries(after.byPid).filter(([pid]) => before.includes(Number(pid)));
    const lost = CONNECTIONS - after.answered;
    const name = `${CONNECTIONS} idle connections in a reload, ${kind}`;
    const details = { opened: crowd.opened.byPid, ...after, stillOld: held.length, tookMs, requests: tally.requests };
    return [
      atMost(`${name}: closed, or not answered afterwards`, Math.max(lost, after.closed), 0, {
        unit: "",
        digits: 0,
        details,
      }),
      atMost(`${name}: until the last old worker has gone`, tookMs / 1000, 15, { unit: "s", digits: 1 }),
      ...othersNoticed(name, tally, lateMs),
    ];
  } finally {
    traffic?.kill();
    await crowd?.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import("./lib/servers.mjs").Running} server
 * @param {readonly number[]} pids
 */
async function gone(server, pids) {
  const endsAt = performance.now() + LIMIT_MS;
  while ((await server.pids()).some((pid) => pids.includes(pid))) {
    if (performance.now() > endsAt) throw new Error(`old workers are there after ${LIMIT_MS} ms\n${server.output()}`);
    await sleep(50);
  }
}
