/** CPU time a request of a 16 KB file, against Express' static; and what an application pays that stands behind files. */

import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { compareCpu } from "./lib/compare-cpu.mjs";
import { APPS, startScript, startTsgate } from "./lib/servers.mjs";

const LOAD = { connections: 64, seconds: 1, core: 1 };

/** @type {import("./run.mjs").Benchmark} */
export async function staticFiles({ node, rounds }) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  const page = path.join(folder, "index.html");
  const empty = path.join(folder, "empty");
  await mkdir(empty);
  await writeFile(page, "x".repeat(16_384));
  // A file that was just written is read anew each time.
  await utimes(page, 1, 1);
  const pool = { node, app: APPS.gateway, workers: 1, core: 0 };
  try {
    const file = await compareCpu({
      name: "a 16 KB file, one worker: CPU a request, Express' static = 1",
      limit: 0.5,
      rounds,
      load: LOAD,
      ours: () => startTsgate({ ...pool, args: [`--static=/=${folder}`] }),
      theirs: () => startScript({ node, script: APPS.expressStatic, core: 0, env: { STATIC_FOLDER: folder } }),
    });
    const behind = await compareCpu({
      name: "an application behind files that are asked for first: CPU a request, without = 1",
      limit: 1.25,
      rounds,
      load: LOAD,
      ours: () => startTsgate({ ...pool, args: [`--static=/=${empty}`] }),
      theirs: () => startTsgate(pool),
    });
    return [...file, ...behind];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
