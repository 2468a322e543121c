/**
 * Python applications on tsgate, gunicorn, uWSGI and Apache with mod_wsgi: `npm run bench:wsgi -- [--rounds N]
 * [--seconds S] [--write]`. Prints tables; `--write` puts them, with plots, into docs/benchmarks.md. Ends with 1 when a
 * figure that is asked for was missed. Needs the Debian packages of all, and some six minutes for nine rounds.
 */

import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { makeSite } from "./lib/django-site.mjs";
import { table } from "./lib/figures.mjs";
import { machine, writeSection } from "./lib/page-section.mjs";
import { interleaved } from "./lib/rounds.mjs";
import { wsgiFigures, wsgiPage } from "./lib/wsgi-page.mjs";
import { needWrk } from "./lib/wrk.mjs";
import { CONTESTANTS, OURS, startContestant, versions } from "./wsgi-contestants.mjs";
import { amongSlow, bareInterpreterMb, memoryOf, reloading, underLoad, warmUp, workerMb } from "./wsgi-measures.mjs";

/** @typedef {import("./lib/servers.mjs").Running} Running */
/** @typedef {import("./wsgi-contestants.mjs").App} App */
/** @typedef {import("./wsgi-measures.mjs").Round} Round */

/**
 * @typedef {object} Result of one server
 * @property {Partial<Record<App, Round[]>>} rounds
 * @property {Partial<Record<App, number>>} memoryMb of all its processes
 * @property {{ idle: number, used: number }} [workerMb] a worker and its interpreter above a bare interpreter, before
 *   and after all the load
 * @property {import("./wsgi-measures.mjs").AmongSlow} [slow]
 * @property {import("./wsgi-measures.mjs").Reloading} [reload]
 */

const PAGES = { hello: "/", django: "/notes" };

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1.5" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

await needWrk();
const site = await makeSite();
try {
  const results = await measureAll();
  const figures = wsgiFigures(results);
  const about = `${machine()}; Node ${process.version.slice(1)}, ${(await versions()).join(", ")}; ${rounds} interleaved rounds of ${seconds} s.`;
  const { markdown, plots } = wsgiPage(about, figures, results);
  console.log(`${markdown}\n\n${table(figures)}`);
  if (values.write) await writeSection("wsgi", markdown, plots);
  process.exitCode = figures.every(({ isReached }) => isReached) ? 0 : 1;
} finally {
  await rm(site.folder, { recursive: true, force: true });
}

async function measureAll() {
  /** @type {Record<string, Result>} */
  const results = Object.fromEntries(CONTESTANTS.map((name) => [name, { rounds: {}, memoryMb: {} }]));
  await measure("hello", results, async (servers) => {
    for (const [name, server] of Object.entries(servers)) {
      const slow = await amongSlow(server);
      /** @type {Result} */ (results[name]).slow = slow;
      console.error(`${name}, among slow clients: ${JSON.stringify(slow)}`);
    }
  });
  await measure("django", results, async () => {});
  for (const name of CONTESTANTS) {
    const reload = await reloading(name);
    /** @type {Result} */ (results[name]).reload = reload;
    console.error(`${name}, reloading: ${JSON.stringify(reload)}`);
  }
  return results;
}

/**
 * One application on all servers, in turns; `afterwards` while all still run.
 * @param {App} app
 * @param {Record<string, Result>} results
 * @param {(servers: Readonly<Record<string, Running>>) => Promise<void>} afterwards
 */
async function measure(app, results, afterwards) {
  /** @type {Record<string, Running>} */
  const servers = {};
  try {
    for (const name of CONTESTANTS) servers[name] = await startContestant(name, app, site.env);
    const ours = /** @type {Running} */ (servers[OURS]);
    const [bare, idle] = [await bareInterpreterMb(), await workerMb(ours)];
    const measured = await interleaved(
      rounds,
      Object.fromEntries(
        Object.entries(servers).map(([name, server]) => [
          name,
          async (isWarmUp) => {
            if (isWarmUp) await warmUp(server, PAGES[app]);
            return await underLoad(server, PAGES[app], seconds);
          },
        ]),
      ),
    );
    for (const [name, server] of Object.entries(servers)) {
      const result = /** @type {Result} */ (results[name]);
      result.rounds[app] = measured[name] ?? [];
      result.memoryMb[app] = await memoryOf(server);
      console.error(`${name}, ${app}: ${JSON.stringify(result.rounds[app])}`);
    }
    if (app === "hello")
      /** @type {Result} */ (results[OURS]).workerMb = { idle: idle - bare, used: (await workerMb(ours)) - bare };
    await afterwards(servers);
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
}
