/** A body far larger than memory, up and down through a slow peer, on the shipped command: it is waited for, not held. */

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { throughSlowPeer } from "../support/slow-peer.mjs";
import { startTsgate } from "../support/tsgate.ts";

const APP = fileURLToPath(new URL("../bench/apps/echo.mjs", import.meta.url));
const SIZE = 200 << 20;
const MOST_HELD_MB = 20;

test.each(["engine", "node"])("200 MB up and down are never held (--transport %s)", async (transport) => {
  const args = ["--workers", "1", "--bind", "127.0.0.1:0", "--transport", transport, "--node-arg=--expose-gc", APP];
  const server = startTsgate(args);
  await server.waitForReady(1);
  const target = await server.target();
  if ("path" in target) throw new Error("it listens on a path");
  await throughSlowPeer(target, SIZE);
  const held = Number(await ask(target, "/held"));
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThan(MOST_HELD_MB);
});
