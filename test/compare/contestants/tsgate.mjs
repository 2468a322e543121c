/** tsgate itself, as it is built. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { TSGATE } from "../../bench/lib/servers.mjs";
import { APPLICATION_URL } from "./files.mjs";
import { startSteeredBySignals } from "./steered-by-signals.mjs";

const PACKAGE = new URL("../../../package.json", import.meta.url);

const TEXTS = {
  good: `export { application as default } from "${APPLICATION_URL}";\n`,
  broken: 'throw new Error("broken on purpose");\n',
};

/** @type {import("./contestant.mjs").Contestant} */
export const tsgate = {
  name: "tsgate",
  title: "tsgate",
  settings: "linger 1s, graceful-timeout 10s, timeout 5s",
  problem: async () =>
    existsSync(path.resolve(TSGATE, "../../dist/cli.cjs")) ? undefined : "tsgate is not built: npm run build",
  version: () => `${JSON.parse(readFileSync(PACKAGE, "utf8")).version}, Node ${process.versions.node}`,
  start(place) {
    const settings = ["--linger", "1s", "--graceful-timeout", "10s", "--timeout", "5s"];
    const own = ["--workers", String(place.workers), "--bind", `127.0.0.1:${place.port}`];
    return startSteeredBySignals(place, {
      command: [process.execPath, "--", TSGATE, ...own, ...settings, "app.mjs"],
      reloadSignal: "SIGHUP",
      file: "app.mjs",
      texts: TEXTS,
    });
  },
};
