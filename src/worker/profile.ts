/**
 * Looks at this process's own event loop for a while, with V8's sampling profiler. Nothing is opened for it, no port and
 * no debugger; the profiler is loaded when it is first asked for, and stopped again.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { isOwnPlace, messageOf } from "../errors.ts";
import type { WorkerProfile } from "../worker-profile.ts";
import { withoutScheme } from "./account.ts";
import { report } from "./channel.ts";
import { obstacleToInspector } from "./inspection.ts";
import { originalPosition } from "./original-position.ts";
import { summarize } from "./profile-summary.ts";
import type { PythonHost } from "./wsgi/python-host.ts";

/** Larger maps take so long to read that requests would wait. */
const LARGEST_MAP_BYTES = 2 * 1024 * 1024;

/** Takes a profile and tells the master, or why there is none; and what `pythons`, its interpreters, are at meanwhile. */
export async function tellProfile(request: number, durationMs: number, pythons: readonly PythonHost[]): Promise<void> {
  const accounts = Promise.all(pythons.map((python) => python.account()));
  const outcome = await takeProfile(durationMs).then(
    (profile) => ({ profile }),
    (error: unknown) => ({ error: messageOf(error) }),
  );
  const told = (await accounts).filter((account) => account !== undefined);
  report({ tsgate: "profiled", request, outcome, pythons: told });
}

async function takeProfile(durationMs: number): Promise<WorkerProfile> {
  const obstacle = obstacleToInspector();
  if (obstacle !== undefined) throw new Error(obstacle);
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await sleep(durationMs, undefined, { ref: false });
    const { profile } = await session.post("Profiler.stop");
    return summarize(profile, { isUsers: (url) => !isOwnPlace(url), placeOf });
  } finally {
    session.disconnect();
  }
}

function placeOf(url: string, line: number, column: number): { readonly file: string; readonly line: number } {
  const original = originalPosition(url, line, column, LARGEST_MAP_BYTES);
  return { file: withoutScheme(original?.file ?? url), line: original?.line ?? line };
}
