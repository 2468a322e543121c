/**
 * The framework matrix, heavy half: each has packages of its own, installed and built in `.cache/frameworks` by this
 * suite. A second run installs nothing, unless the lock file has changed.
 */

import { execFile } from "node:child_process";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FRAMEWORKS } from "../frameworks/frameworks.ts";
import { describeFramework } from "../frameworks/matrix.ts";
import { EXAMPLES } from "../support/examples.ts";
import { describeUnless, installPackages } from "../support/peers.ts";

const CACHE = fileURLToPath(new URL("../../.cache/frameworks/", import.meta.url));
const BUILD_MS = 120_000;

for (const framework of FRAMEWORKS.filter(({ isHeavy }) => isHeavy === true)) {
  const cwd = path.join(CACHE, framework.folder);
  const problem = await install(path.join(EXAMPLES, "frameworks", framework.folder), cwd);
  if (problem === undefined) describeFramework(framework, { cwd, packages: cwd });
  else describeUnless(problem, framework.name, () => {});
}

/** Copies an example, installs its packages and builds it; a sentence when the packages cannot be had. */
async function install(example: string, cwd: string): Promise<string | undefined> {
  const wanted = await readFile(path.join(example, "package-lock.json"), "utf8");
  const lock = path.join(cwd, "installed-lock.json");
  const installed = await readFile(lock, "utf8").catch(() => "");
  if (installed !== wanted) await rm(cwd, { recursive: true, force: true });
  const isSource = (file: string): boolean => !/^(?:node_modules|dist|\.next)\b/.test(path.relative(example, file));
  await cp(example, cwd, { recursive: true, filter: isSource });
  if (installed !== wanted) {
    const problem = await installPackages(cwd);
    if (problem !== undefined) return problem;
    await writeFile(lock, wanted);
  }
  await build(cwd);
  return undefined;
}

/** Rejects with what the build has said. */
async function build(cwd: string): Promise<void> {
  // The test's NODE_ENV is not the build's.
  const { NODE_ENV: _, ...env } = process.env;
  try {
    const options = { cwd, env: { ...env, NEXT_TELEMETRY_DISABLED: "1" }, timeout: BUILD_MS };
    await promisify(execFile)("npm", ["run", "build"], options);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm run build failed in ${cwd}:\n${stdout ?? ""}\n${stderr ?? ""}`, { cause: error });
  }
}
