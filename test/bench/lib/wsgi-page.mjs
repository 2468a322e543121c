/** The figures, the tables and the plots of the benchmark of Python applications, out of what was measured. Pure. */

import { atMost, rounded } from "./figures.mjs";
import { markdownTable } from "./page-section.mjs";
import { median, medianRatio, spread } from "./rounds.mjs";
import { bars } from "./svg-bars.mjs";

/** @typedef {import("../wsgi.mjs").Result} Result */
/** @typedef {import("../wsgi-contestants.mjs").App} App */
/** @typedef {import("./figures.mjs").Figure} Figure */

const OURS = "tsgate";
const MEASURE = "gunicorn gthread";
const APPS = /** @type {const} */ ({ hello: "hello", django: "Django view" });

/**
 * What is asked of Python applications.
 * @param {Readonly<Record<string, Result>>} results
 */
export function wsgiFigures(results) {
  const ours = results[OURS];
  /** @param {string} name @param {App} app @param {number} limit */
  const cpu = (name, app, limit) => {
    const [mine, theirs] = [micros(ours, app), micros(results[MEASURE], app)];
    return atMost(name, medianRatio(mine, theirs), limit, {
      unit: "×",
      details: { tsgateMicros: rounded(mine), gthreadMicros: rounded(theirs) },
    });
  };
  const { quietMs = NaN, amongMs = Infinity } = ours?.slow ?? {};
  return [
    cpu(`hello, CPU a request; ${MEASURE} = 1`, "hello", 0.6),
    cpu(`Django view, CPU a request; ${MEASURE} = 1`, "django", 1),
    atMost("p99 of others among 200 slow readers and 200 slow writers; quiet = 1", amongMs / quietMs, 2, { unit: "×" }),
    atMost("failed requests of three reloads", ours?.reload?.failed ?? NaN, 0, { unit: "failed", digits: 0 }),
    atMost("idle worker and interpreter above an interpreter alone, hello, resident", ours?.workerMb?.idle ?? NaN, 65, {
      unit: "MB",
      digits: 1,
    }),
  ];
}

/**
 * @param {string} about the machine and the versions, in a line
 * @param {readonly Figure[]} figures
 * @param {Readonly<Record<string, Result>>} results
 */
export function wsgiPage(about, figures, results) {
  const names = Object.keys(results);
  const plots = {
    "benchmarks-wsgi.svg": cpuPlot(results),
    "benchmarks-wsgi-rate.svg": bars(
      "Requests a second",
      names.map((name) => ({ name, values: perApp((app) => spread(of(results[name], app, "perSecond"))) })),
    ),
  };
  const asked = figures.map(({ name, asked, reached, isReached }) => [
    name,
    asked,
    reached,
    isReached ? "met" : "**missed**",
  ]);
  const parts = [
    about,
    markdownTable([["figure", "asked", "reached", ""], ...asked]),
    markdownTable([
      ["", ...names],
      ...Object.entries(ROWS).map(([title, cell]) => [title, ...names.map((name) => cell(results[name]))]),
    ]),
    "![CPU a request](benchmarks-wsgi.svg)",
    "![Requests a second](benchmarks-wsgi-rate.svg)",
  ];
  return { markdown: parts.join("\n\n"), plots };
}

/** @typedef {(result: Result | undefined) => string} Cell */

/** @type {Readonly<Record<string, Cell>>} */
const ROWS = {
  ...rowsOf("hello"),
  ...rowsOf("django"),
  "a worker above an interpreter alone: idle, after the load, MB": (result) =>
    result?.workerMb === undefined ? "–" : `${shown(result.workerMb.idle)}, ${shown(result.workerMb.used)}`,
  "p99 quiet ms": (result) => shown(result?.slow?.quietMs),
  "p99 among slow ms": ({ slow } = { rounds: {}, memoryMb: {} }) =>
    slow !== undefined && slow.amongMs === undefined ? "no reply" : shown(slow?.amongMs),
  "reload: failed of requests": (result) => {
    const { failed = NaN, requests = NaN } = result?.reload ?? {};
    return Number.isNaN(failed) ? "no end" : `${failed} of ${requests}`;
  },
};

/**
 * @param {App} app
 * @returns {Record<string, Cell>}
 */
function rowsOf(app) {
  const title = APPS[app];
  return {
    [`${title}: CPU µs`]: (result) => range(micros(result, app)),
    [`${title}: of it in the interpreter`]: (result) => {
      const values = of(result, app, "interpreterMicros");
      return median(values) > 0 ? range(values) : "–";
    },
    [`${title}: requests a second`]: (result) => shown(median(of(result, app, "perSecond"))),
    [`${title}: p99 ms`]: (result) => shown(median(of(result, app, "p99Ms"))),
    [`${title}: failed, or closed without a word`]: (result) =>
      String(of(result, app, "errors").reduce((sum, count) => sum + count, 0)),
    [`${title}: memory MB`]: (result) => shown(result?.memoryMb[app]),
  };
}

/**
 * @param {Result | undefined} result
 * @param {App} app
 * @param {keyof import("../wsgi-measures.mjs").Round} figure
 */
function of(result, app, figure) {
  return (result?.rounds[app] ?? []).map((round) => round[figure]);
}

/** @param {Result | undefined} result @param {App} app */
const micros = (result, app) => of(result, app, "micros");

/** @param {Readonly<Record<string, Result>>} results */
function cpuPlot(results) {
  const groups = Object.entries(results).flatMap(([name, result]) => {
    const all = { name, values: perApp((app) => spread(micros(result, app))) };
    if (name !== OURS) return [all];
    const interpreter = perApp((app) => spread(of(result, app, "interpreterMicros")));
    return [all, { name: "of it in the interpreter", values: interpreter }];
  });
  return bars("CPU µs a request, of the whole tree", groups);
}

/**
 * @template T
 * @param {(app: App) => T} value
 * @returns {Record<string, T>}
 */
function perApp(value) {
  return Object.fromEntries(Object.entries(APPS).map(([app, title]) => [title, value(/** @type {App} */ (app))]));
}

/** @param {readonly number[]} values */
function range(values) {
  const { value, low, high } = spread(values);
  return values.length === 0 ? "–" : `${shown(value)} (${shown(low)} to ${shown(high)})`;
}

/** @param {number | undefined} value */
function shown(value) {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
