/** Load from wrk, and what a server's processes spent on it. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Throws, naming the way to install it, where wrk is missing. */
export async function needWrk() {
  try {
    await run("wrk", ["-v"]);
  } catch (error) {
    // It prints its version and ends with 1.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") {
      throw new Error("wrk not found: apt-get install -y --no-install-recommends wrk", { cause: error });
    }
  }
}

/**
 * @typedef {object} Load
 * @property {number} requests
 * @property {number} perSecond
 * @property {number} errors socket errors, timeouts and replies that are not 2xx or 3xx
 * @property {number} p50Ms from request to reply
 * @property {number} p99Ms
 */

/** Sends as many requests as no server remembers, in turn, each with a path and a cookie of its own. */
const VARIED = `
local requests = {}
function init()
  for index = 1, 5000 do
    wrk.headers["Cookie"] = string.format("session=%08x%08x; theme=dark; seen=%d", index * 104729, index * 7919, index)
    requests[index] = wrk.format("GET", string.format("/items/%d?page=%d", index * 31, index % 50))
  end
end
local at = 0
function request()
  at = at % #requests + 1
  return requests[at]
end
`;

const MS = /** @type {Record<string, number>} */ ({ us: 0.001, ms: 1, s: 1000, m: 60_000 });

/**
 * @param {number} port
 * @param {{ connections: number, seconds: number, closes?: boolean, pauseMs?: number, core?: number, headers?: readonly string[], body?: string | undefined, isVaried?: boolean, page?: string }} options
 *   `page`: its path, `/`; `body`: of a POST, as JSON; `closes`: a fresh connection for every request; `pauseMs`: between two requests of a connection;
 *   `core`: the only one that wrk may run on; `isVaried`: no two requests are the same for long
 * @returns {Promise<Load>}
 */
export async function load(
  port,
  { connections, seconds, closes = false, pauseMs = 0, core, headers = [], body, isVaried, page = "/" },
) {
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  try {
    const args = ["-t", "1", "-c", String(connections), "-d", `${Math.ceil(seconds)}s`, "--latency"];
    if (closes) args.push("-H", "Connection: close");
    for (const header of headers) args.push("-H", header);
    const script = scriptOf({ pauseMs, body, isVaried });
    if (script !== undefined) {
      const file = path.join(folder, "script.lua");
      await writeFile(file, script);
      args.push("-s", file);
    }
    const command = [...(core === undefined ? [] : ["taskset", "-c", String(core)]), "wrk", ...args];
    const [file, ...rest] = [...command, `http://127.0.0.1:${port}${page}`];
    const running = run(file, rest, { timeout: (seconds + 20) * 1000 });
    // It takes whole seconds; interrupted, it tells what it has counted until then.
    const ender = setTimeout(() => running.child.kill("SIGINT"), seconds * 1000);
    const { stdout } = await running.finally(() => clearTimeout(ender));
    return parse(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {{ pauseMs: number, body: string | undefined, isVaried: boolean | undefined }} wanted */
function scriptOf({ pauseMs, body, isVaried }) {
  if (isVaried === true) return VARIED;
  if (pauseMs > 0) return `function delay() return ${pauseMs} end\n`;
  if (body === undefined) return undefined;
  return `wrk.method = "POST"\nwrk.body = [==[${body}]==]\nwrk.headers["Content-Type"] = "application/json"\n`;
}

/**
 * CPU time a request, in microseconds, of the whole tree of a server.
 * @param {import("./servers.mjs").Running} server
 * @param {Parameters<typeof load>[1]} options
 */
export async function cpuPerRequest(server, options) {
  const before = await server.cpuMicros();
  const result = await load(server.port, options);
  const after = await server.cpuMicros();
  return { micros: (after - before) / result.requests, ...result };
}

/**
 * @param {string} text
 * @returns {Load}
 */
function parse(text) {
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? 0);
  const socket = [...(/Socket errors: (.*)/.exec(text)?.[1] ?? "").matchAll(/(\d+)/g)].map(([count]) => Number(count));
  const errors = socket.reduce(
    (sum, count) => sum + count,
    Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
  );
  if (requests === 0) throw new Error(`wrk made no request\n${text}`);
  return { requests, perSecond, errors, p50Ms: percentile(text, 50), p99Ms: percentile(text, 99) };
}

/**
 * @param {string} text
 * @param {number} percent
 */
function percentile(text, percent) {
  const [, value = "NaN", unit = "ms"] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)`, "m").exec(text) ?? [];
  return Number(value) * (MS[unit] ?? Number.NaN);
}
