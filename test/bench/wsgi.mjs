/**
 * Python applications on tsgate, gunicorn, uWSGI and Apache with mod_wsgi: `node test/bench/wsgi.mjs [--rounds N]
 * [--write]`. Prints a table; `--write` puts it, with a plot, into docs/benchmarks.md. Needs the Debian packages of all.
 */

import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { startTraffic } from "../support/traffic/start.mjs";
import { failedCount } from "../support/traffic/tally.mjs";
import { machine, writeSection } from "./lib/page-section.mjs";
import { memory } from "./lib/proc.mjs";
import { interleaved, median } from "./lib/rounds.mjs";
import { startCrowd } from "./lib/slow-crowd.mjs";
import { bars } from "./lib/svg-bars.mjs";
import { needWrk } from "./lib/wrk.mjs";
import { CONTESTANTS, RELOAD_BY, startContestant } from "./wsgi-contestants.mjs";

const run = promisify(execFile);
const DJANGO = fileURLToPath(new URL("../fixtures/django", import.meta.url));
const SLOW = 200;

/** @typedef {import("./lib/servers.mjs").Running} Running */
/** @typedef {{ perSecond: number, cpuMicros: number, p99Ms: number, failed: number }} Measured */

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

await needWrk();
const site = await makeSite();
try {
  const rows = await measureAll(site.env);
  const lines = tableOf(rows);
  process.stdout.write(`${lines}\n`);
  if (values.write) await write(rows, lines);
} finally {
  await rm(site.folder, { recursive: true, force: true });
}

/** @param {Record<string, string>} siteEnv */
async function measureAll(siteEnv) {
  /** @type {Record<string, Record<string, number>>} */
  const rows = Object.fromEntries(CONTESTANTS.map((name) => [name, {}]));
  /** @param {string} name @param {Record<string, number>} figures */
  const note = (name, figures) => {
    process.stderr.write(`${name}: ${JSON.stringify(figures)}\n`);
    Object.assign(/** @type {object} */ (rows[name]), figures);
  };
  for (const app of /** @type {const} */ (["hello", "django"])) {
    /** @type {Record<string, Running>} */
    const servers = {};
    for (const name of CONTESTANTS) servers[name] = await startContestant(name, app, siteEnv);
    try {
      const page = app === "hello" ? "/" : "/notes";
      const contenders = Object.fromEntries(
        Object.entries(servers).map(([name, server]) => [name, () => measure(server, page)]),
      );
      for (const [name, measured] of Object.entries(await interleaved(rounds, contenders))) {
        note(name, {
          [`${app} a second`]: median(measured.map(({ perSecond }) => perSecond)),
          [`${app} CPU µs`]: median(measured.map(({ cpuMicros }) => cpuMicros)),
          [`${app} p99 ms`]: median(measured.map(({ p99Ms }) => p99Ms)),
          [`${app} memory MB`]: await memoryOf(/** @type {Running} */ (servers[name])),
        });
      }
      if (app === "hello") for (const [name, server] of Object.entries(servers)) note(name, await amongSlow(server));
    } finally {
      for (const server of Object.values(servers)) await server.stop();
    }
  }
  for (const name of CONTESTANTS) note(name, await reloading(name, siteEnv));
  return rows;
}

/**
 * @param {Running} server
 * @param {string} page
 * @returns {Promise<Measured>}
 */
async function measure(server, page) {
  const before = await server.cpuMicros();
  const { stdout } = await run("wrk", [
    "-t1",
    "-c16",
    `-d${seconds}s`,
    "--timeout",
    "10s",
    "--latency",
    `http://127.0.0.1:${server.port}${page}`,
  ]);
  const cpu = (await server.cpuMicros()) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const [, value = "NaN", unit = "ms"] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const failed = [...stdout.matchAll(/(?:Non-2xx or 3xx responses: |timeout )(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  return {
    perSecond: requests / seconds,
    cpuMicros: cpu / requests,
    p99Ms:
      requests === 0
        ? Infinity
        : Number(value) * { us: 0.001, ms: 1, s: 1000 }[/** @type {"us" | "ms" | "s"} */ (unit)],
    failed,
  };
}

/** The p99 of others while slow readers and slow writers are there, and what it is without them, at a modest rate. */
async function amongSlow(/** @type {Running} */ server) {
  const quiet = await waitMs(server);
  const crowds = [
    await startCrowd({ port: server.port, kind: "slow read", count: SLOW, path: "/big", patienceMs: 3000 }),
    await startCrowd({ port: server.port, kind: "body drip", count: SLOW, path: "/", patienceMs: 3000 }),
  ];
  try {
    await sleep(1000);
    const among = await waitMs(server);
    return { "p99 quiet ms": quiet.p99, "p99 among slow ms": among.p99, "failed among slow": among.failed };
  } finally {
    for (const crowd of crowds) await crowd.stop();
    await sleep(500);
  }
}

/** @param {Running} server */
async function waitMs({ port }) {
  const traffic = await startTraffic({ target: { host: "127.0.0.1", port }, lingerMs: 50, idle: 0 });
  await sleep(seconds * 1000);
  const tally = await Promise.race([traffic.stop(), sleep(15_000).then(() => undefined)]);
  traffic.kill();
  if (tally === undefined) return { p99: Infinity, failed: NaN };
  return { p99: tally.outcomes.ok === 0 ? Infinity : tally.latencyMs.p99, failed: failedCount(tally) };
}

/**
 * Three reloads under the traffic of docs/guarantees.md.
 * @param {string} name
 * @param {Record<string, string>} siteEnv
 */
async function reloading(name, siteEnv) {
  const server = await startContestant(name, "hello", siteEnv);
  try {
    const traffic = await startTraffic({ target: { host: "127.0.0.1", port: server.port }, lingerMs: 1000 });
    for (let count = 0; count < 3; count += 1) {
      await sleep(3000);
      server.signal(/** @type {NodeJS.Signals} */ (RELOAD_BY[name]));
    }
    await sleep(6000);
    const tally = await Promise.race([traffic.stop(), sleep(30_000).then(() => undefined)]);
    traffic.kill();
    if (tally === undefined) return { "reload failed": NaN, "reload requests": NaN };
    return { "reload failed": failedCount(tally), "reload requests": tally.requests };
  } finally {
    await server.stop();
  }
}

/** Proportional, of all its processes. @param {Running} server */
async function memoryOf(server) {
  let sum = 0;
  for (const pid of await server.pids()) sum += (await memory(pid)).pss;
  return sum;
}

/** A Django project with a few notes; whoever serves it may be another user. */
async function makeSite() {
  const folder = await mkdtemp(path.join(os.tmpdir(), "tsgate-site-"));
  await chmod(folder, 0o777);
  const env = { DJANGO_DB: path.join(folder, "db.sqlite3"), PYTHONDONTWRITEBYTECODE: "1" };
  /** @param {readonly string[]} args */
  const manage = async (...args) =>
    await run("/usr/bin/python3", ["manage.py", ...args], { cwd: DJANGO, env: { ...process.env, ...env } });
  await manage("migrate", "--run-syncdb", "--verbosity", "0");
  await manage(
    "shell",
    "-c",
    "from notes.models import Note\nfor n in range(10): Note.objects.create(text='note %d' % n)",
  );
  await chmod(env.DJANGO_DB, 0o666);
  return { folder, env };
}

/** @param {Record<string, Record<string, number>>} rows */
function tableOf(rows) {
  const names = Object.keys(rows);
  const figures = Object.keys(rows[names[0] ?? ""] ?? {});
  const cells = figures.map((figure) => [figure, ...names.map((name) => shown(rows[name]?.[figure]))]);
  return [["", ...names], ["---", ...names.map(() => "---:")], ...cells]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}

/** @param {number | undefined} value */
function shown(value) {
  if (value === undefined || Number.isNaN(value)) return "no answer";
  if (value === Infinity) return "no reply";
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

/**
 * Puts the table and a plot into this benchmark's section of the page.
 * @param {Record<string, Record<string, number>>} rows
 * @param {string} table
 */
async function write(rows, table) {
  const picture = bars(
    "CPU µs a request, of the whole tree",
    Object.entries(rows).map(([name, row]) => ({
      name,
      values: { hello: row["hello CPU µs"] ?? 0, "Django view": row["django CPU µs"] ?? 0 },
    })),
  );
  const rounded = `Node ${process.version}, ${machine()}, medians of ${rounds} interleaved rounds of ${seconds} s.`;
  const plot = "![CPU a request](benchmarks-wsgi.svg)";
  await writeSection("wsgi", [rounded, table, plot].join("\n\n"), { "benchmarks-wsgi.svg": picture });
}
