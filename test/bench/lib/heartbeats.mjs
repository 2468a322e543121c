/** When a server's heartbeats came, as its master saw them. */

import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const RECORDER = pathToFileURL(fileURLToPath(new URL("../apps/heartbeats.mjs", import.meta.url))).href;
const EVERY_MS = 1000;

/**
 * What a server has to be started with to write its heartbeats into `file`.
 * @param {string} file
 */
export function recordHeartbeats(file) {
  return { NODE_OPTIONS: `--import=${RECORDER}`, BENCH_HEARTBEATS: file };
}

/**
 * By how much the latest heartbeat between two moments was late, in milliseconds.
 * @param {string} file
 * @param {number} from
 * @param {number} to
 */
export async function latestHeartbeat(file, from, to) {
  const beats = (await readFile(file, "utf8")).trim().split("\n");
  const gaps = beats.map((line) => line.split(" ").map(Number)).filter(([at = 0]) => at >= from && at <= to);
  return Math.max(0, ...gaps.map(([, gapMs = 0]) => gapMs - EVERY_MS));
}
