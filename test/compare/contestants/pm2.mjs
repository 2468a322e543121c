/** PM2 in cluster mode: a daemon with a home of its own, steered by PM2's command. */

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { session } from "../../bench/lib/proc.mjs";
import { childrenOf, endSession, environment, isRunning } from "../lib/server.mjs";
import { PROGRAM_TEXTS } from "./files.mjs";

const PACKAGES = fileURLToPath(new URL("../pm2/", import.meta.url));
const PM2 = path.join(PACKAGES, "node_modules/pm2");
const NAME = "compared";
const INSTALL_MS = 180_000;
const COMMAND_MS = 60_000;
const DAEMON_MS = 1000;

const SETTINGS = { exec_mode: "cluster", wait_ready: true, kill_timeout: 10_000 };

/** @type {import("./contestant.mjs").Contestant} */
export const pm2 = {
  name: "pm2",
  title: "PM2",
  settings: `${Object.entries(SETTINGS)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ")}; the program of node:cluster by hand, which stops gracefully on SIGINT`,
  problem: install,
  version: () =>
    `${JSON.parse(readFileSync(path.join(PM2, "package.json"), "utf8")).version}, Node ${process.versions.node}`,
  async start({ folder, port, workers, owe }) {
    const home = path.join(folder, "pm2");
    const env = environment(folder, { PM2_HOME: home, PORT: String(port), PM2_DISABLE_VERSION_CHECK: "true" });
    const over = new AbortController();
    let said = "";
    /** @param {...string} args */
    const command = async (...args) => {
      const options = { cwd: folder, env, timeout: COMMAND_MS, signal: over.signal };
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        [path.join(PM2, "bin/pm2"), ...args],
        options,
      );
      said += stdout + stderr;
    };
    /** @param {import("../lib/server.mjs").Deployment} deployment */
    const deploy = (deployment) => writeFile(path.join(folder, "program.cjs"), PROGRAM_TEXTS[deployment]);
    const apps = [{ name: NAME, script: "program.cjs", instances: workers, ...SETTINGS }];
    await writeFile(path.join(folder, "ecosystem.config.cjs"), `module.exports = ${JSON.stringify({ apps })};\n`);
    await deploy("good");
    const daemonPid = async () => Number(await readFile(path.join(home, "pm2.pid"), "utf8").catch(() => "0"));
    owe(async () => {
      // A daemon is on its way as soon as the command has begun, and known when it has ended.
      await starting.catch(() => sleep(DAEMON_MS));
      const pid = await daemonPid();
      if (isRunning(pid)) await command("kill").catch(() => {});
      over.abort();
      if (pid > 0) await endSession(pid);
    });
    const starting = command("start", "ecosystem.config.cjs");
    await starting;
    const daemon = await daemonPid();
    const workerPids = () => childrenOf(daemon);
    /** @param {string} verb */
    const tell = (verb) => command(verb, NAME).catch((error) => (said += String(error)));
    // The command waits for the end of a reload, and so does whoever has another to give.
    /** @type {Promise<unknown>} */
    let told = Promise.resolve();

    return {
      target: { host: "127.0.0.1", port },
      workers,
      masterPid: daemon,
      workerPids,
      processes: async () => (await session(daemon)).map(({ pid }) => pid),
      deploy,
      reload: async () => void (told = told.then(() => tell("reload"))),
      stop: async () => void (told = told.then(() => tell("stop"))),
      async ended() {
        await told;
        while ((await workerPids()).length > 0) await sleep(20);
        return "its daemon left, as it should be";
      },
      output: () => said,
    };
  },
};

/** Installs PM2 where it is not yet. */
async function install() {
  if (existsSync(PM2)) return undefined;
  try {
    const options = { cwd: PACKAGES, timeout: INSTALL_MS };
    await promisify(execFile)("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], options);
    return undefined;
  } catch (error) {
    return `PM2 cannot be installed into ${PACKAGES}: ${/** @type {{ stderr?: string }} */ (error).stderr ?? String(error)}`;
  }
}
