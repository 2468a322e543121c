/**
 * A gigabyte up and down through a slow peer: what the engine holds of it at most, how large all buffers are, garbage among
 * them, and what its process grows by.
 */

import { fileURLToPath } from "node:url";
import { requestOnce } from "../support/traffic/connection.mjs";
import { throughSlowPeer } from "../support/slow-peer.mjs";
import { atMost } from "./lib/figures.mjs";
import { memory } from "./lib/proc.mjs";
import { startScript } from "./lib/servers.mjs";

const APP = fileURLToPath(new URL("apps/echo-server.mjs", import.meta.url));
const ENGINE = fileURLToPath(new URL("../../dist/http/index.js", import.meta.url));
const SIZE = 1 << 30;
const WARM_SIZE = 64 << 20;
const LIMIT_MB = 20;

/** @type {import("./run.mjs").Benchmark} */
export async function largeBodies({ node }) {
  return [
    atMost("1 GB up and down through a slow peer: held", await echoed(node, "/held", ["--expose-gc"]), LIMIT_MB, {
      unit: "MB",
    }),
    atMost("the same, all buffers, garbage among them", await echoed(node, "/buffers"), LIMIT_MB, { unit: "MB" }),
    atMost("the same, growth of a process that is warm, with garbage", await grownMegabytes(node), LIMIT_MB, {
      unit: "MB",
    }),
  ];
}

/** What the application says at `path` afterwards. @param {string} node @param {string} path @param {string[]} [nodeArgs] */
async function echoed(node, path, nodeArgs = []) {
  return await withEcho(node, nodeArgs, async ({ port }) => {
    await throughSlowPeer({ port, host: "127.0.0.1" }, SIZE);
    const { reply } = await requestOnce({ port, host: "127.0.0.1" }, { path });
    return Number(reply?.body.toString());
  });
}

/** @param {string} node */
async function grownMegabytes(node) {
  return await withEcho(node, [], async ({ port, pid }) => {
    await throughSlowPeer({ port, host: "127.0.0.1" }, WARM_SIZE);
    const before = (await memory(pid)).rss;
    let most = before;
    const watching = setInterval(() => void memory(pid).then(({ rss }) => (most = Math.max(most, rss))), SAMPLE_MS);
    try {
      await throughSlowPeer({ port, host: "127.0.0.1" }, SIZE);
    } finally {
      clearInterval(watching);
    }
    return most - before;
  });
}

/**
 * @template T
 * @param {string} node
 * @param {readonly string[]} nodeArgs
 * @param {(server: import("./lib/servers.mjs").Running) => Promise<T>} use
 */
async function withEcho(node, nodeArgs, use) {
  const server = await startScript({ node, nodeArgs, script: APP, args: [ENGINE] });
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

const SAMPLE_MS = 50;
