/** Puma in cluster mode, reloaded by a phased restart. */

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { commandProblem, interpreterOf, versionOf } from "./contestant.mjs";
import { applicationText } from "./files.mjs";
import { startSteeredBySignals } from "./steered-by-signals.mjs";

const SETTINGS = [
  "threads 64, 64",
  "persistent_timeout 75",
  "worker_check_interval 1",
  "worker_timeout 5",
  "worker_shutdown_timeout 10",
  "drain_on_shutdown",
];

const TEXTS = { good: applicationText("application.ru"), broken: 'raise "broken on purpose"\n' };

/** @type {import("./contestant.mjs").Contestant} */
export const puma = {
  name: "puma",
  title: "Puma",
  settings: SETTINGS.join(", "),
  problem: () => commandProblem("puma", "puma"),
  version: () => `${versionOf("puma", "--version")}, Ruby ${versionOf(interpreterOf("puma"), "--version")}`,
  async start(place) {
    const own = [`bind "tcp://127.0.0.1:${place.port}"`, `workers ${place.workers}`, 'environment "production"'];
    await writeFile(path.join(place.folder, "puma.rb"), `${[...own, ...SETTINGS].join("\n")}\n`);
    return await startSteeredBySignals(place, {
      command: ["puma", "-C", "puma.rb", "config.ru"],
      reloadSignal: "SIGUSR1",
      file: "config.ru",
      texts: TEXTS,
    });
  },
};
