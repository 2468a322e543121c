/** A body far larger than memory, up and down through a slow peer, on the shipped command: it is waited for, not held. */

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { throughSlowPeer } from "../support/slow-peer.mjs";
import { startTsgate } from "../support/tsgate.ts";

const APP = fileURLToPath(new URL("../bench/apps/echo.mjs", import.meta.url));
const SIZE = 200 << 20;
const MOST_MB = 20;

test.each(["engine", "node"])("200 MB up and down are never held (--transport %s)", async (transport) => {
  const held = await afterLargeBody("/held", ["--transport", transport, "--node-arg=--expose-gc"]);
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThan(MOST_MB);
});

test("what of them is garbage is collected in time", async () => {
  const buffers = await afterLargeBody("/buffers", ["--transport", "engine"]);
  expect(buffers).toBeGreaterThan(0);
  expect(buffers).toBeLessThan(MOST_MB);
});

/** What the application says at `path` when all has gone up and come down, in megabytes. */
async function afterLargeBody(path: string, args: readonly string[]): Promise<number> {
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", ...args, APP]);
  await server.waitForReady(1);
  const target = await server.target();
  if ("path" in target) throw new Error("it listens on a path");
  await throughSlowPeer(target, SIZE);
  return Number(await ask(target, path));
}
