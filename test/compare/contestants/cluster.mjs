/** A master written by hand on node:cluster. */

import path from "node:path";
import { PROGRAM_TEXTS, programFile } from "./files.mjs";
import { startSteeredBySignals } from "./steered-by-signals.mjs";

const PROGRAM = "program.cjs";

/** @type {import("./contestant.mjs").Contestant} */
export const cluster = {
  name: "cluster",
  title: "node:cluster by hand",
  settings: "`keepAliveTimeout` 75 s, workers exit 10 s after they were told to stop at the latest",
  problem: async () => undefined,
  version: () => `Node ${process.versions.node}`,
  start: (place) =>
    startSteeredBySignals(place, {
      command: [process.execPath, programFile("cluster.mjs"), path.join(place.folder, PROGRAM), String(place.workers)],
      env: { PORT: String(place.port) },
      reloadSignal: "SIGHUP",
      file: PROGRAM,
      texts: PROGRAM_TEXTS,
    }),
};
