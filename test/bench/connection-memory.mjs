/** What an idle keep-alive connection takes of a worker's memory, when nothing is left to collect. */

import { fileURLToPath } from "node:url";
import { startIdleCrowd } from "./lib/idle-crowd.mjs";
import { descriptorProblem } from "./lib/descriptors.mjs";
import { atMost, notMeasured, rounded } from "./lib/figures.mjs";
import { engineModule } from "./lib/engine-module.mjs";
import { median } from "./lib/rounds.mjs";
import { startScript, startTsgate } from "./lib/servers.mjs";

const IDLE = fileURLToPath(new URL("apps/idle.mjs", import.meta.url));
const ENGINE = fileURLToPath(new URL("apps/workloads/engine.mjs", import.meta.url));
const CONNECTIONS = 5000;
/** They stay meanwhile: what grows once, and what a heap has to spare, is there before. */
const FIRST = 5000;
/** Of a worker, beside its own files. */
const DESCRIPTORS = FIRST + CONNECTIONS + 500;
const ROUNDS = 3;
const LIMIT_KB = 5.5;

/** @typedef {import("./lib/servers.mjs").Running} Running */

/** @type {import("./run.mjs").Benchmark} */
export async function connectionMemory({ node, rounds }) {
  const problem = descriptorProblem(DESCRIPTORS);
  if (problem !== undefined) return [notMeasured("an idle keep-alive connection", problem)];
  const args = ["--keep-alive", "120s"];
  const module = await engineModule();
  /** @type {Record<string, () => Promise<Running>>} */
  const servers = {
    "the engine alone": () =>
      startScript({ node, script: ENGINE, args: [module, "gateway"], env: { WORKLOAD: "idle" } }),
    "a worker, gateway": () => startTsgate({ node, app: IDLE, workers: 1, args: [...args, "--transport", "engine"] }),
  };
  const onNodeHttp = async () => await startTsgate({ node, app: `${IDLE}:listener`, workers: 1, args });
  const figures = [];
  for (const [name, start] of Object.entries(servers)) {
    const values = await measureTimes(Math.min(rounds, ROUNDS), start);
    figures.push(
      atMost(`an idle keep-alive connection: ${name}`, median(values), LIMIT_KB, {
        unit: "KB",
        details: { rounds: rounded(values) },
      }),
    );
  }
  const other = median(await measureTimes(Math.min(rounds, ROUNDS), onNodeHttp));
  const markdown = `A worker with a \`(req, res)\` application, on \`node:http\`: ${other.toFixed(2)} KB.`;
  return { figures, page: { markdown, plots: {} } };
}

/** @param {number} times @param {() => Promise<Running>} start */
async function measureTimes(times, start) {
  const values = [];
  for (let time = 0; time < times; time += 1) values.push(await measure(start));
  return values;
}

/** In KB of 1,000 bytes. @param {() => Promise<Running>} start */
async function measure(start) {
  const server = await start();
  try {
    const first = await startIdleCrowd({ port: server.port, count: FIRST });
    const before = await residentBytes(server);
    const more = await startIdleCrowd({ port: server.port, count: CONNECTIONS });
    const after = await residentBytes(server);
    await Promise.all([first.stop(), more.stop()]);
    return (after - before) / CONNECTIONS / 1000;
  } finally {
    await server.stop();
  }
}

/** @param {Running} server */
async function residentBytes({ port }) {
  return Number(await (await fetch(`http://127.0.0.1:${port}/memory`)).text());
}
