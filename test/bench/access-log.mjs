/**
 * What the access log adds to the CPU time of a request: one worker each, on a core of its own, with and without it. A
 * second pair has the headers of a browser, and a third the format with the most to say, with a request id.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { atMost, rounded } from "./lib/figures.mjs";
import { interleaved, median } from "./lib/rounds.mjs";
import { APPS, startTsgate } from "./lib/servers.mjs";
import { cpuPerRequest, needWrk } from "./lib/wrk.mjs";

const LIMIT_MICROS = 1.5;

/** @type {Readonly<Record<string, readonly string[]>>} */
const FORMATS = {
  combined: [],
  "combined, with a request id": ["--request-id", "on"],
  json: ["--access-logformat", "json", "--request-id", "off"],
};

/** As a browser sends them, more or less. */
const BROWSER = [
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Referer: https://www.example.org/articles/2024/a-page-with-a-name",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language: en-GB,en;q=0.9",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Cookie: session=4f0c1b1e2a; theme=dark",
];

/** @type {import("./run.mjs").Benchmark} */
export async function accessLog({ node, rounds }) {
  await needWrk();
  const folder = await mkdtemp(path.join(tmpdir(), "tsgate-bench-"));
  /** @param {readonly string[]} args */
  const start = (args) => startTsgate({ node, app: APPS.listener, workers: 1, core: 0, args });
  const off = await start([]);
  const servers = { off };
  try {
    for (const [name, args] of Object.entries(FORMATS))
      Object.assign(servers, { [name]: await start(["--access-logfile", path.join(folder, "access.log"), ...args]) });
    return [...(await measure(servers, rounds, [])), ...(await measure(servers, rounds, BROWSER))];
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Readonly<Record<string, import("./lib/servers.mjs").Running>>} servers
 * @param {number} rounds
 * @param {readonly string[]} headers
 */
async function measure(servers, rounds, headers) {
  const load = { connections: 64, seconds: 1, core: 1, headers };
  const contenders = Object.entries(servers).map(([name, server]) => [name, () => cpuPerRequest(server, load)]);
  const results = await interleaved(rounds, Object.fromEntries(contenders));
  const micros = Object.fromEntries(
    Object.entries(results).map(([name, ofRounds]) => [name, ofRounds.map(({ micros }) => micros)]),
  );
  const { off = [], ...on } = micros;
  return Object.entries(on).map(([name, values]) => {
    const added = values.map((value, round) => value - (off[round] ?? Number.NaN));
    const about = headers.length === 0 ? "" : ", headers of a browser";
    const details = { offMicros: rounded(off), addedMicros: rounded(added) };
    return atMost(`access log, ${name}${about}: CPU added to a request`, median(added), LIMIT_MICROS, {
      unit: "µs",
      details,
    });
  });
}
