/** Servers of other runtimes and languages. */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { freePort, start } from "../lib/servers.mjs";
import { commandProblem, interpreterOf, versionOf } from "../../compare/contestants/contestant.mjs";
import { appFile, APPS_FOLDER, packageFile, peerScript } from "./files.mjs";

/** @typedef {import("./contestant.mjs").Contestant} Contestant */

const bunFile = () =>
  ["@oven/bun-linux-x64/bin/bun", "@oven/bun-linux-aarch64/bin/bun"].map(packageFile).find(existsSync);
const denoFile = () => ["@deno/linux-x64-glibc/deno", "@deno/linux-arm64-glibc/deno"].map(packageFile).find(existsSync);
const DENO_ARGS = ["run", "--no-config", "--allow-net", "--allow-env", "--allow-read"];
/** Without the header its clients learn from an error that it keeps no connection. */
const UWSGI = ["--plugin", "python3", "--master", "--disable-logging", "--die-on-term", "--lazy-apps"].concat([
  "--add-header",
  "Connection: close",
]);
const NO_BYTECODE = { PYTHONDONTWRITEBYTECODE: "1" };

/** @type {Contestant} */
const gunicorn = {
  name: "gunicorn",
  how: "gunicorn -w N -k gthread --threads 1 --keep-alive 75, a WSGI application",
  problem: () => commandProblem("gunicorn", "gunicorn"),
  version: () => `${versionOf("gunicorn", "--version")}, Python ${versionOf(interpreterOf("gunicorn"), "--version")}`,
  hasWorkers: true,
  start: async ({ workload, workers, core }) => {
    const port = await freePort();
    const args = ["-w", String(workers), "-b", `127.0.0.1:${port}`, "-k", "gthread", "--threads", "1"];
    return await start(
      "gunicorn",
      [...args, "--keep-alive", "75", "--log-level", "error", "application:application"],
      port,
      workers + 1,
      { core, cwd: APPS_FOLDER, env: { ...NO_BYTECODE, WORKLOAD: workload } },
    );
  },
  reload: (running) => running.signal("SIGHUP"),
};

/** @type {Contestant} */
const uwsgi = {
  name: "uWSGI",
  how: "uwsgi --http-socket --master -p N, which keeps no connection, a WSGI application",
  problem: () => commandProblem("uwsgi", "uwsgi-core uwsgi-plugin-python3"),
  version: () => `${versionOf("uwsgi", "--version")}, Python ${versionOf("/usr/bin/python3", "--version")}`,
  hasWorkers: true,
  start: async ({ workload, workers, core }) => {
    const port = await freePort();
    const args = ["--http-socket", `127.0.0.1:${port}`, "-p", String(workers), "--module", "application:application"];
    const options = { core, cwd: APPS_FOLDER, env: { ...NO_BYTECODE, WORKLOAD: workload } };
    return await start("uwsgi", [...UWSGI, ...args], port, workers + 1, options);
  },
  reload: (running) => running.signal("SIGHUP"),
};

/** @type {Contestant} */
const puma = {
  name: "Puma",
  how: "puma in cluster mode, N workers of 5 threads, a Rack application",
  problem: () => commandProblem("puma", "puma"),
  version: () => `${versionOf("puma", "--version")}, Ruby ${versionOf(interpreterOf("puma"), "--version")}`,
  hasWorkers: true,
  start: async ({ workload, workers, core, folder }) => {
    const port = await freePort();
    const config = path.join(folder, "puma.rb");
    const settings = [`bind "tcp://127.0.0.1:${port}"`, `workers ${workers}`, "threads 5, 5", "persistent_timeout 75"];
    await writeFile(config, [...settings, 'environment "production"', "quiet", ""].join("\n"));
    const options = { core, cwd: folder, env: { WORKLOAD: workload, HOME: folder } };
    return await start("puma", ["-C", config, appFile("config.ru")], port, workers + 1, options);
  },
  reload: (running) => running.signal("SIGUSR1"),
};

/** @type {Contestant} */
const bun = {
  name: "Bun",
  how: "Bun.serve, one process, a fetch handler",
  problem: () => (bunFile() === undefined ? "Bun is not installed: it has no package for this machine" : undefined),
  version: () => versionOf(bunFile() ?? "", "--version"),
  start: async ({ workload, core, folder }) => {
    const port = await freePort();
    const env = { WORKLOAD: workload, PORT: String(port), HOME: folder };
    return await start(bunFile() ?? "", [peerScript("bun.mjs")], port, 1, { core, env });
  },
};

/** @type {Contestant} */
const deno = {
  name: "Deno",
  how: "Deno.serve, one process, a fetch handler",
  problem: () => (denoFile() === undefined ? "Deno is not installed: it has no package for this machine" : undefined),
  version: () => versionOf(denoFile() ?? "", "--version"),
  start: async ({ workload, core, folder }) => {
    const port = await freePort();
    const env = { WORKLOAD: workload, PORT: String(port), HOME: folder, DENO_DIR: folder, DENO_NO_UPDATE_CHECK: "1" };
    return await start(denoFile() ?? "", [...DENO_ARGS, peerScript("deno.mjs")], port, 1, { core, env });
  },
};

/** @type {readonly Contestant[]} */
export const ELSEWHERE = [gunicorn, uwsgi, puma, bun, deno];
