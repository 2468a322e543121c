/**
 * Suites that need a part of the system. One that is missing is named, with how to install it, and its suite is left
 * out; under TSGATE_REQUIRE_PEERS=1 it is a failure instead, so that nothing is left out unseen.
 */

import { accessSync, constants } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

export interface Peer {
  /** The command that must be found. */
  readonly command: string;
  /** The Debian package that has it. */
  readonly debianPackage: string;
}

/** A suite that runs where every one of `peers` is installed. */
export function describeWithPeers(name: string, peers: readonly Peer[], suite: () => void): void {
  const missing = peers.filter(({ command }) => findCommand(command) === undefined);
  if (missing.length === 0) {
    describe(name, suite);
    return;
  }
  const commands = missing.map(({ command }) => command).join(", ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  const sentence = `${commands} not found: apt-get install -y --no-install-recommends ${packages}`;
  if (process.env["TSGATE_REQUIRE_PEERS"] === "1") test(name, () => expect.fail(sentence));
  else test.skip(`${name} (${sentence})`);
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
