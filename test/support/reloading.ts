/** Servers that are reloaded: two workers, and what a reload may never do to them. */

import { expect } from "vitest";
import { fewestReady, mostAlive } from "./pool-counts.ts";
import { tempProject } from "./temp-project.ts";
import type { TempProject } from "./temp-project.ts";
import { requestOnce } from "./traffic.ts";
import { startTsgate } from "./tsgate.ts";
import type { Tsgate } from "./tsgate.ts";

/** The `--linger` of these servers, and of the traffic that they get. */
export const LINGER_MS = 500;

/** Starts two workers of `source`; a configuration among `files` says the same for itself. */
export async function startServer(
  source: string,
  args: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<{ server: Tsgate; project: TempProject }> {
  const project = await tempProject({ "app.mjs": source, ...files });
  const isConfigured = "tsgate.config.json" in files;
  const linger = isConfigured || args.includes("--linger") ? [] : ["--linger", `${LINGER_MS}ms`];
  const bind = isConfigured || args.includes("--bind") ? [] : ["--bind", "127.0.0.1:0"];
  const workers = isConfigured ? [] : ["--workers", "2"];
  const server = startTsgate([...workers, ...linger, ...bind, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  return { server, project };
}

/** Reloads, and resolves when `generation` has taken over. */
export async function reload(server: Tsgate, generation: number): Promise<void> {
  server.signal("SIGHUP");
  await server.waitForRecord({ msg: "reload done", generation });
}

/** The version that the applications of `applications.ts` name in their replies. */
export async function versionServedBy(server: Tsgate): Promise<string | undefined> {
  return (await requestOnce(await server.target())).reply?.headers.get("x-version");
}

/** From the moment that `workers` were ready there were never fewer, and never more alive than one above. */
export function expectNeverFewerNorTooMany(server: Tsgate, workers: number): void {
  const from = server.records.findIndex(({ msg, ready }) => msg === "worker ready" && ready === workers);
  expect(fewestReady(server.records, from)).toBe(workers);
  expect(mostAlive(server.records)).toBe(workers + 1);
}
