/** What the contestants have in common whose master stays in the foreground and is steered by signals. */

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { session } from "../../bench/lib/proc.mjs";
import { childrenOf, endSession, spawnLeader } from "../lib/server.mjs";

/**
 * Starts `command` in the folder of `place`; its file `file` is the application, and `texts` are what can stand there.
 * @param {import("./contestant.mjs").Place} place
 * @param {object} options
 * @param {readonly string[]} options.command
 * @param {NodeJS.Signals} options.reloadSignal
 * @param {string} options.file
 * @param {Record<import("../lib/server.mjs").Deployment, string>} options.texts
 * @param {Record<string, string>} [options.env]
 * @returns {Promise<import("../lib/server.mjs").Server>}
 */
export async function startSteeredBySignals(place, { command, reloadSignal, file, texts, env = {} }) {
  const { folder, port, workers, owe } = place;
  /** @param {import("../lib/server.mjs").Deployment} deployment */
  const deploy = (deployment) => writeFile(path.join(folder, file), texts[deployment]);
  await deploy("good");
  const master = spawnLeader(command, { cwd: folder, env });
  owe(() => endSession(master.pid));
  return {
    target: { host: "127.0.0.1", port },
    workers,
    masterPid: master.pid,
    workerPids: () => childrenOf(master.pid),
    processes: async () => (await session(master.pid)).map(({ pid }) => pid),
    deploy,
    reload: async () => master.signal(reloadSignal),
    stop: async () => master.signal("SIGTERM"),
    ended: () => master.exited,
    output: master.output,
  };
}
