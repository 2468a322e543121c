/**
 * Hung workers: from the deadline to the record that names the place, with what the master's loop does meanwhile; and
 * what the readiness to be asked costs a process that never hangs.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { atMost, rounded } from "./lib/figures.mjs";
import { cpuMicros, memory } from "./lib/proc.mjs";
import { interleaved, median } from "./lib/rounds.mjs";
import { APPS, startPlain, startTsgate } from "./lib/servers.mjs";

const TIMEOUT_MS = 1000;
const PATHS = ["/loop", "/regexp", "/atomics", "/microtasks", "/ticks"];
const APP = fileURLToPath(new URL("../fixtures/hanging-app.mjs", import.meta.url));
const LOOP_DELAY = pathToFileURL(fileURLToPath(new URL("apps/loop-delay.mjs", import.meta.url))).href;

/** With which a worker's Node is started so that it can be asked. */
const INSPECTOR = ["--inspect-publish-uid=http", "--inspect-port=0"];
const PROCESSES = 4;
const SETTLE_MS = 3000;
const IDLE_MS = 10_000;

/** @type {import("./run.mjs").Benchmark} */
export async function hungWorker({ node, rounds }) {
  const hangs = [];
  for (const at of PATHS) hangs.push({ path: at, ...(await hang(node, at, rounds)) });
  const { ours, theirs } = await interleaved(Math.min(rounds, 3), {
    ours: () => standing(node, INSPECTOR),
    theirs: () => standing(node, []),
  });
  const details = { with: ours?.map(told), without: theirs?.map(told) };
  const pss = median((ours ?? []).map(({ pss }) => pss)) - median((theirs ?? []).map(({ pss }) => pss));
  const cpu = median((ours ?? []).map(({ cpuMs }) => cpuMs)) - median((theirs ?? []).map(({ cpuMs }) => cpuMs));
  return [
    ...hangs.map(({ path, took, unnamed }) =>
      atMost(`from the deadline of ${path} to its line in the log (${unnamed} without)`, median(took), 500, {
        unit: "ms",
        digits: 0,
        details: { took: rounded(took) },
      }),
    ),
    atMost("the master meanwhile, most CPU in one turn of its loop", Math.max(...hangs.map(({ delay }) => delay)), 20, {
      unit: "ms",
      digits: 1,
    }),
    atMost("standing cost of the readiness, PSS a process", pss, 2, { unit: "MB", details }),
    atMost(`the same, CPU in ${IDLE_MS / 1000} s idle`, cpu, 1, { unit: "ms" }),
  ];
}

/**
 * Blocks a worker at `at`, several times.
 * @param {string} node
 * @param {string} at
 * @param {number} times
 */
async function hang(node, at, times) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const file = path.join(folder, "delays");
  const env = { NODE_OPTIONS: `--import=${LOOP_DELAY}`, BENCH_LOOP_DELAY: file };
  // A crash loop is held to ten lines a minute above that level.
  const args = ["--timeout", `${TIMEOUT_MS}ms`, "--log-level", "debug"];
  const server = await startTsgate({ node, app: APP, workers: 1, args, env });
  /** @type {{ time: number, silentMs: number, askedMs: number, line?: number }[]} */
  const records = [];
  try {
    for (let time = 1; time <= times; time += 1) {
      const client = net.connect({ port: server.port, host: "127.0.0.1" });
      client.on("error", () => {}).write(`GET ${at} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      records.push(await logged(server, "worker hung", time));
      client.destroy();
      // A minute of service is needed before a slot's past is forgotten: each next worker comes later.
      await logged(server, "worker ready", time + 1);
    }
  } finally {
    await server.stop();
  }
  const delays = await readFile(file, "utf8").catch(() => "");
  await rm(folder, { recursive: true });
  const during = delays
    .split("\n")
    .map((line) => line.split(" ").map(Number))
    .filter(([when = 0]) => records.some(({ time, askedMs }) => when >= time - askedMs && when <= time));
  return {
    took: records.map(({ silentMs, askedMs }) => silentMs - TIMEOUT_MS + askedMs),
    unnamed: records.filter(({ line }) => line === undefined).length,
    delay: Math.max(0, ...during.map(([, lateMs = 0]) => lateMs)),
  };
}

/**
 * The `nth` record of the log with this message.
 * @param {import("./lib/servers.mjs").Running} server
 * @param {string} msg
 * @param {number} nth
 */
async function logged(server, msg, nth) {
  const endsAt = performance.now() + 60_000;
  for (;;) {
    const lines = server
      .output()
      .split("\n")
      .filter((line) => line.endsWith(`"msg":"${msg}"}`));
    const line = lines[nth - 1];
    if (line !== undefined) return JSON.parse(line);
    if (performance.now() > endsAt) throw new Error(`"${msg}" was not logged ${nth} times\n${server.output()}`);
    await sleep(5);
  }
}

/**
 * What a process costs that serves nobody, started with `nodeArgs`: medians of several.
 * @param {string} node
 * @param {readonly string[]} nodeArgs
 */
async function standing(node, nodeArgs) {
  const servers = await Promise.all(
    Array.from({ length: PROCESSES }, () => startPlain({ node, app: APPS.listener, nodeArgs })),
  );
  try {
    await sleep(SETTLE_MS);
    const before = await Promise.all(servers.map(({ pid }) => cpuMicros([pid])));
    await sleep(IDLE_MS);
    const after = await Promise.all(servers.map(({ pid }) => cpuMicros([pid])));
    const pss = await Promise.all(servers.map(async ({ pid }) => (await memory(pid)).pss));
    return { pss: median(pss), cpuMs: median(after.map((micros, index) => (micros - (before[index] ?? 0)) / 1000)) };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** @param {{ pss: number, cpuMs: number }} cost */
function told({ pss, cpuMs }) {
  return rounded([pss, cpuMs]);
}
