/**
 * The framework matrix, heavy half: each has its own packages, installed and built in `.cache/frameworks` by this suite.
 * A second run installs nothing, unless the lock file has changed.
 */

import { execFile } from "node:child_process";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FRAMEWORKS } from "../frameworks/frameworks.ts";
import { describeFramework } from "../frameworks/matrix.ts";
import type { Place } from "../frameworks/matrix.ts";
import { EXAMPLES } from "../support/examples.ts";

const CACHE = fileURLToPath(new URL("../../.cache/frameworks/", import.meta.url));
const INSTALL_AND_BUILD_MS = 180_000;

for (const framework of FRAMEWORKS) {
  if (framework.isHeavy === true) describeFramework(framework, () => install(framework.folder), INSTALL_AND_BUILD_MS);
}

/** Copies the example, installs its packages, and builds it. */
async function install(folder: string): Promise<Place> {
  const example = path.join(EXAMPLES, "frameworks", folder);
  const cwd = path.join(CACHE, folder);
  const isSource = (file: string): boolean => !/^(?:node_modules|dist|\.next)\b/.test(path.relative(example, file));
  const wanted = await readFile(path.join(example, "package-lock.json"), "utf8");
  const installed = await readFile(path.join(cwd, "installed-lock.json"), "utf8").catch(() => "");
  if (installed !== wanted) await rm(cwd, { recursive: true, force: true });
  await cp(example, cwd, { recursive: true, filter: isSource });
  if (installed !== wanted) {
    await npm(cwd, "ci", "--no-audit", "--no-fund");
    await writeFile(path.join(cwd, "installed-lock.json"), wanted);
  }
  await npm(cwd, "run", "build");
  return { cwd, packages: cwd };
}

/** Rejects with what npm has said. */
async function npm(cwd: string, ...args: readonly string[]): Promise<void> {
  // Vitest's own NODE_ENV and the outer npm's settings are not this build's.
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:NODE_ENV|npm_|VITEST|TEST$)/.test(name));
  const env = { ...Object.fromEntries(kept), NEXT_TELEMETRY_DISABLED: "1" };
  try {
    await promisify(execFile)("npm", args, { cwd, env });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm ${args.join(" ")} failed in ${cwd}:\n${stdout ?? ""}\n${stderr ?? ""}`, { cause: error });
  }
}
