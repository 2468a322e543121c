/** The comparison of docs/guarantees.md can be repeated: in short, with what comes as Debian packages. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { Cell } from "../compare/lib/cell.mjs";
import { describeWithPeers } from "../support/peers.ts";
import { tempProject } from "../support/temp-project.ts";

const COMPARE = fileURLToPath(new URL("../compare/run.mjs", import.meta.url));
const SERVERS = ["tsgate", "cluster", "gunicorn", "puma"];
const PEERS = [
  { command: "gunicorn", debianPackage: "gunicorn" },
  { command: "puma", debianPackage: "puma" },
];
const LONG_MS = 240_000;

interface Comparison {
  readonly child: ChildProcess;
  /** Everything that it and its servers write is in here. */
  readonly folder: string;
  readonly output: () => string;
}

describeWithPeers("the comparison with others", PEERS, () => {
  test(
    "tells of every row and server, and leaves nothing behind",
    async () => {
      const only = SERVERS.flatMap((name) => ["--only", name]);
      const comparison = await compare([...only, "--rows", "worker-killed", "--rows", "stop", "--json", "cells.json"]);
      const [code] = (await once(comparison.child, "exit")) as [number | null];
      const output = comparison.output();
      expect(code, output).toBe(0);
      const written = await readFile(path.join(comparison.folder, "cells.json"), "utf8");
      const { cells } = JSON.parse(written) as { cells: Cell[] };
      expect(cells.map(({ row, contestant }) => `${row} ${contestant}`)).toEqual(
        ["worker-killed", "stop"].flatMap((row) => SERVERS.map((name) => `${row} ${name}`)),
      );
      for (const { tally } of cells) expect(tally?.outcomes.ok).toBeGreaterThan(0);
      for (const { failed } of cells.filter(({ contestant }) => contestant === "tsgate"))
        expect(failed, output).toBe(0);
      for (const title of ["tsgate", "node:cluster by hand", "gunicorn", "Puma"])
        expect(output).toMatch(new RegExp(`^\\| stop +\\| ${title} +\\| 20[0-9] `, "m"));
      expect(await readdir(comparison.folder)).toEqual(["cells.json"]);
      expect(await processesIn(comparison.folder)).toEqual([]);
    },
    LONG_MS,
  );

  test("interrupted, it ends what it has started", async () => {
    const comparison = await compare(["--only", "puma", "--rows", "reload"]);
    while ((await processesIn(comparison.folder)).length < 3) {
      expect(comparison.child.exitCode, comparison.output()).toBe(null);
      await sleep(20);
    }
    comparison.child.kill("SIGINT");
    expect(await once(comparison.child, "exit")).toEqual([130, null]);
    expect(await processesIn(comparison.folder)).toEqual([]);
    expect(await readdir(comparison.folder)).toEqual([]);
  });
});

test("a comparison names the package that is missing, and how to install it", async () => {
  const comparison = await compare(["--only", "gunicorn", "--only", "puma"], { PATH: "" });
  expect(await once(comparison.child, "exit")).toEqual([2, null]);
  expect(comparison.output().split("\n")).toEqual(
    expect.arrayContaining([
      "gunicorn is not installed: apt-get install -y --no-install-recommends gunicorn",
      "puma is not installed: apt-get install -y --no-install-recommends puma",
    ]),
  );
});

/** Starts a comparison that has its files in a folder of the test. */
async function compare(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Comparison> {
  const { dir: folder } = await tempProject();
  const child = spawn(process.execPath, [COMPARE, ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return { child, folder, output: () => output };
}

/** The living processes that run in a folder below `folder`. */
async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return pids.filter((_, index) => folders[index]?.startsWith(`${folder}${path.sep}`)).map(Number);
}
