/** gunicorn with threads: its workers for keep-alive connections that need no package of their own. */

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { commandProblem, interpreterOf, versionOf } from "./contestant.mjs";
import { applicationText } from "./files.mjs";
import { startSteeredBySignals } from "./steered-by-signals.mjs";

/** A thread waits for the first request of each connection: fewer threads would be a queue behind idle clients. */
const SETTINGS = {
  worker_class: "gthread",
  threads: 256,
  worker_connections: 1000,
  keepalive: 75,
  timeout: 5,
  graceful_timeout: 10,
};

const TEXTS = { good: applicationText("application.py"), broken: 'raise RuntimeError("broken on purpose")\n' };

/** @type {import("./contestant.mjs").Contestant} */
export const gunicorn = {
  name: "gunicorn",
  title: "gunicorn",
  settings: Object.entries(SETTINGS)
    .map(([key, value]) => `${key} ${value}`)
    .join(", "),
  problem: () => commandProblem("gunicorn", "gunicorn"),
  version: () => `${versionOf("gunicorn", "--version")}, Python ${versionOf(interpreterOf("gunicorn"), "--version")}`,
  async start(place) {
    const settings = { bind: `127.0.0.1:${place.port}`, workers: place.workers, ...SETTINGS };
    const lines = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
    await writeFile(path.join(place.folder, "gunicorn.conf.py"), lines.join(""));
    return await startSteeredBySignals(place, {
      command: ["gunicorn", "application:application"],
      // A module that is changed twice within a second would be taken from the compiled copy of the first.
      env: { PYTHONDONTWRITEBYTECODE: "1" },
      reloadSignal: "SIGHUP",
      file: "application.py",
      texts: TEXTS,
    });
  },
};
