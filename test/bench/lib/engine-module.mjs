/** The engine and the fetch classes in one file, as a worker's bundle has them. */

import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ENTRIES = ["src/http/index.ts", "src/gateway/fetch/index.ts"];
/** Inside the repository, where the packages are found that it imports. */
const FILE = path.join(ROOT, ".cache/bench/engine.mjs");

/** @type {Promise<string> | undefined} */
let made;

/** Builds it once; resolves with its path. */
export async function engineModule() {
  made ??= bundle();
  return await made;
}

async function bundle() {
  await build({
    stdin: {
      contents: ENTRIES.map((entry) => `export * from ${JSON.stringify(path.join(ROOT, entry))};`).join("\n"),
      resolveDir: ROOT,
    },
    bundle: true,
    platform: "node",
    packages: "external",
    format: "esm",
    outfile: FILE,
  });
  return FILE;
}
