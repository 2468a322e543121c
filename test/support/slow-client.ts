/** A slow client that goes away when the test ends. */

import { onTestFinished } from "vitest";
import { SlowClient } from "./traffic/slow-client.mjs";
import type { SlowKind } from "./traffic/slow-client.mjs";
import type { Target } from "./traffic.ts";

/** Connects; call it within a test. */
export function slowClient(target: Target, kind: SlowKind, options?: { path?: string; dripMs?: number }): SlowClient {
  const client = new SlowClient(target, kind, options);
  onTestFinished(() => client.close());
  return client;
}
