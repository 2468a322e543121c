/** Where the applications of the comparison are, and the packages that it is compared with. */

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const APPS = fileURLToPath(new URL("../apps/workloads/", import.meta.url));
const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));
const INSTALL_MS = 300_000;

/** The folder of the applications. */
export const APPS_FOLDER = APPS;

/** @param {string} name */
export const appFile = (name) => path.join(APPS, name);
export const NODE_PROGRAM = appFile("program.cjs");

/** @param {string} name a script that serves with a package */
export const peerScript = (name) => path.join(PEERS, name);
/** @param {string} name a file of an installed package */
export const packageFile = (name) => path.join(PEERS, "node_modules", name);

/** @param {string} name */
export const packageVersion = (name) => JSON.parse(readFileSync(packageFile(`${name}/package.json`), "utf8")).version;

/** @param {string} name */
export const packageProblem = (name) =>
  existsSync(packageFile(`${name}/package.json`))
    ? undefined
    : `${name} is not installed: npm ci --ignore-scripts in test/bench/peers`;

/** Installs the packages unless they are there; what could not be installed is missing then, by its name. */
export async function installPeers() {
  if (existsSync(path.join(PEERS, "node_modules/.package-lock.json"))) return;
  process.stderr.write("installing the packages of test/bench/peers\n");
  const args = ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await promisify(execFile)("npm", args, { cwd: PEERS, timeout: INSTALL_MS }).catch((error) =>
    process.stderr.write(`${/** @type {{ stderr?: string }} */ (error).stderr ?? String(error)}\n`),
  );
}
