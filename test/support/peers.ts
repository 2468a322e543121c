/**
 * Suites that need a part of the system, or packages of their own. One that is missing is named, with how to install it,
 * and its suite is left out; under TSGATE_REQUIRE_PEERS=1 it is a failure instead, so that nothing is left out unseen.
 */

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const INSTALL_MS = 180_000;

export interface Peer {
  /** The command that must be found. */
  readonly command: string;
  /** The Debian package that has it. */
  readonly debianPackage: string;
}

/** A suite that runs where every one of `peers` is installed. */
export function describeWithPeers(name: string, peers: readonly Peer[], suite: () => void): void {
  const missing = peers.filter(({ command }) => findCommand(command) === undefined);
  const commands = missing.map(({ command }) => command).join(", ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  const sentence = `${commands} not found: apt-get install -y --no-install-recommends ${packages}`;
  describeUnless(missing.length === 0 ? undefined : sentence, name, suite);
}

/** A suite that runs unless there is a problem: what is missing, and how to get it. */
export function describeUnless(problem: string | undefined, name: string, suite: () => void): void {
  if (problem === undefined) describe(name, suite);
  else if (process.env["TSGATE_REQUIRE_PEERS"] === "1") test(name, () => expect.fail(problem));
  else test.skip(`${name} (${problem})`);
}

/** Installs the packages of the lock file in `folder`; a sentence when that fails. */
export async function installPackages(folder: string): Promise<string | undefined> {
  try {
    await promisify(execFile)("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], {
      cwd: folder,
      timeout: INSTALL_MS,
    });
    return undefined;
  } catch (error) {
    return `its packages cannot be installed: ${(error as { stderr?: string }).stderr ?? String(error)}`;
  }
}

/** The full path of a command, or undefined. */
export function findCommand(command: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => path.join(folder, command)).find((file) => isExecutable(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
