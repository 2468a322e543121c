/**
 * tsgate beside other servers: each workload in interleaved rounds on all of them at once, every server on one core and
 * the client on another. A server that cannot be had, does not start or stops answering is named, and the others go on.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeMajor } from "./contestants/contestant.mjs";
import { ELSEWHERE } from "./contestants/elsewhere.mjs";
import { installPeers } from "./contestants/files.mjs";
import { ON_NODE } from "./contestants/on-node.mjs";
import { NODE_ITSELF, OURS } from "./contestants/ours.mjs";
import { comparisonFigures, comparisonPage } from "./lib/comparison-page.mjs";
import { memory } from "./lib/proc.mjs";
import { interleaved } from "./lib/rounds.mjs";
import { WORKLOADS } from "./lib/workloads.mjs";
import { cpuPerRequest, needWrk } from "./lib/wrk.mjs";

/** @typedef {import("./contestants/contestant.mjs").Contestant} Contestant */
/** @typedef {import("./contestants/contestant.mjs").Place} Place */
/** @typedef {import("./lib/servers.mjs").Running} Running */
/** @typedef {Awaited<ReturnType<typeof cpuPerRequest>>} Round */

/**
 * @typedef {object} Result of one server with one workload
 * @property {readonly Round[]} rounds none when there is a problem
 * @property {number} [memoryMb] proportional, of the whole tree, after the last round
 * @property {string} [problem]
 */

/** @typedef {Readonly<Record<string, Readonly<Record<string, Result>>>>} Results by workload and server */

export const CONTESTANTS = [...OURS, ...NODE_ITSELF, ...ON_NODE, ...ELSEWHERE];

const SERVER_CORE = 0;
const CLIENT_CORE = 1;
/** Node compiles what is run often: the first thousands of requests of a server cost it more. */
const WARM_UP_SECONDS = 1;
/** A reload needs some seconds, whatever the rounds take. */
const RELOAD_SECONDS = 6;
/** So much longer, so much more seldom. */
const RELOAD_SHARE = 1 / 3;
const RELOAD_AFTER_MS = 1000;

/** @type {import("./run.mjs").Benchmark} */
export async function comparison({ node, rounds, seconds, workloads, peers }) {
  await needWrk();
  await installPeers();
  const chosen = CONTESTANTS.filter(({ name }) => peers.length === 0 || peers.includes(name));
  /** @type {Record<string, string>} */
  const missing = {};
  for (const { name, problem } of chosen) {
    const sentence = await problem(node);
    if (sentence !== undefined) missing[name] = sentence;
  }
  const present = chosen.filter(({ name }) => !(name in missing));
  /** @type {Record<string, Record<string, Result>>} */
  const results = {};
  for (const name of workloads.length === 0 ? Object.keys(WORKLOADS) : workloads) {
    process.stderr.write(`${name}\n`);
    results[name] = await measureWorkload(name, present, { node, rounds, seconds });
  }
  const servers = present.map(({ name, how, version }) => ({ name, how, version: version(node) }));
  const name = `node-${nodeMajor(node)}`;
  return {
    figures: comparisonFigures(results),
    measured: results,
    page: comparisonPage({ name, servers, missing, results }),
  };
}

/**
 * @param {string} workload
 * @param {readonly Contestant[]} contestants
 * @param {{ node: string, rounds: number, seconds: number }} options
 */
async function measureWorkload(workload, contestants, { node, rounds, seconds }) {
  const { workers, isReloaded = false } = /** @type {import("./lib/workloads.mjs").Workload} */ (WORKLOADS[workload]);
  const able = contestants.filter(
    ({ reload, workloads = [workload] }) => workloads.includes(workload) && (!isReloaded || reload !== undefined),
  );
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  /** @type {Record<string, Result>} */
  const results = {};
  /** @type {{ contestant: Contestant, running: Running, place: Place }[]} */
  const started = [];
  /** @param {Contestant} contestant @param {unknown} error */
  const fail = ({ name }, error) => {
    const problem = error instanceof Error ? error.message : String(error);
    process.stderr.write(`  ${name}: ${problem}\n`);
    results[name] = { rounds: [], problem: problem.split("\n", 1)[0] ?? "" };
  };
  try {
    for (const [index, contestant] of able.entries()) {
      const own = await mkdtemp(path.join(folder, `${index}-`));
      const place = { node, workload, workers, core: SERVER_CORE, folder: own };
      try {
        started.push({ contestant, place, running: await contestant.start(place) });
      } catch (error) {
        fail(contestant, error);
      }
    }
    const contenders = started.map(({ contestant, running, place }) => {
      /** @param {boolean} isWarmUp */
      const measure = async (isWarmUp) => {
        if (contestant.name in results) return undefined;
        try {
          if (!isReloaded) return await measureRound(running, workload, isWarmUp ? WARM_UP_SECONDS : seconds);
          return isWarmUp ? undefined : await measureReload(contestant, running, place);
        } catch (error) {
          fail(contestant, error);
          return undefined;
        }
      };
      return /** @type {const} */ ([contestant.name, measure]);
    });
    const count = isReloaded ? Math.ceil(rounds * RELOAD_SHARE) : rounds;
    const measured = await interleaved(count, Object.fromEntries(contenders));
    for (const { contestant, running } of started) {
      const rounds = (measured[contestant.name] ?? []).filter((round) => round !== undefined);
      results[contestant.name] ??= { rounds, memoryMb: await memoryOf(running) };
    }
  } finally {
    await Promise.all(started.map(({ running }) => running.stop()));
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

/**
 * @param {Running} running
 * @param {string} workload
 * @param {number} seconds
 * @returns {Promise<Round>}
 */
async function measureRound(running, workload, seconds) {
  const { load } = /** @type {import("./lib/workloads.mjs").Workload} */ (WORKLOADS[workload]);
  return await cpuPerRequest(running, { ...load, seconds, core: CLIENT_CORE });
}

/**
 * One round with a reload in it; throws when a process of before is still there some time later.
 * @param {Contestant} contestant
 * @param {Running} running
 * @param {Place} place
 * @returns {Promise<Round>}
 */
async function measureReload(contestant, running, place) {
  const before = (await running.pids()).filter((pid) => pid !== running.pid);
  const measuring = measureRound(running, place.workload, RELOAD_SECONDS);
  await sleep(RELOAD_AFTER_MS);
  const [round] = await Promise.all([measuring, contestant.reload?.(running, place)]);
  const after = await running.pids();
  if (before.every((pid) => after.includes(pid))) throw new Error(`nothing was replaced in ${RELOAD_SECONDS} s`);
  return round;
}

/** @param {Running} running */
async function memoryOf(running) {
  const sizes = await Promise.all((await running.pids()).map(async (pid) => (await memory(pid)).pss));
  return sizes.reduce((sum, size) => sum + size, 0);
}
