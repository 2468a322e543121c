/** What a contestant is: how it is found, what it is told, and how it starts. */

/**
 * @typedef {object} Place
 * @property {string} folder an empty one, for whatever it writes; its application is there too
 * @property {number} port on loopback, free
 * @property {number} workers how many it shall run
 * @property {(end: () => Promise<unknown>) => void} owe notes what has to be done to end whatever has been started
 */

/**
 * @typedef {object} Contestant
 * @property {string} name as on the command line
 * @property {string} title as in the table
 * @property {string} settings what it runs with, beside its defaults, in its own words
 * @property {() => Promise<string | undefined>} problem what is missing, and how to get it
 * @property {() => string} version
 * @property {(place: Place) => Promise<import("../lib/server.mjs").Server>} start resolves before it is ready
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A sentence when a command is not installed.
 * @param {string} command
 * @param {string} debianPackage
 */
export async function commandProblem(command, debianPackage) {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `${command} is not installed: apt-get install -y --no-install-recommends ${debianPackage}`;
  }
}

/**
 * What a command says of its version.
 * @param {string} command
 * @param {...string} args
 */
export function versionOf(command, ...args) {
  const output = execFileSync(command, args, { encoding: "utf8" });
  return /\d+(?:\.\d+)+/.exec(output)?.[0] ?? "unknown";
}

/**
 * The interpreter that a command's script names in its first line.
 * @param {string} command
 */
export function interpreterOf(command) {
  const script = execFileSync("sh", ["-c", 'command -v "$0"', command], { encoding: "utf8" }).trim();
  const [interpreter = "", name = ""] = (/^#!(.*)/.exec(readFileSync(script, "utf8"))?.[1] ?? "").trim().split(/\s+/);
  return interpreter.endsWith("/env") ? name : interpreter;
}
