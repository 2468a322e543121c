/**
 * Servers of Python applications for tests: on Debian's own interpreter, which has Django and Flask, or on the one that
 * `TSGATE_TEST_PYTHON` names.
 */

import { fileURLToPath } from "node:url";
import type { Peer } from "./peers.ts";
import { startTsgate, type StartOptions, type Tsgate } from "./tsgate.ts";

export const PYTHON = process.env["TSGATE_TEST_PYTHON"] ?? "/usr/bin/python3";
export const PYTHON_PEER: Peer = { command: "python3", debianPackage: "python3" };
/** The folder of the test's Python applications. */
export const WSGI_APPS = fileURLToPath(new URL("../fixtures/wsgi", import.meta.url));

/** Starts `app` and resolves when `workers` (default one) are ready. Call it within a test. */
export async function startWsgi(
  app: string,
  {
    args = [],
    workers = 1,
    ...options
  }: StartOptions & { readonly args?: readonly string[]; readonly workers?: number } = {},
): Promise<Tsgate> {
  const common = ["--python", PYTHON, "--bind", "127.0.0.1:0", "--workers", String(workers)];
  const server = startTsgate([...common, ...args, app], { cwd: WSGI_APPS, ...options });
  await server.waitForReady(workers);
  return server;
}
