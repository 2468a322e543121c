/** CPU time a request of the HTTP engine, one process on a core of its own, against bare node:http with the same answers. */

import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compareCpu } from "./lib/compare-cpu.mjs";
import { startScript } from "./lib/servers.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const APPS = fileURLToPath(new URL("apps/", import.meta.url));

/** What a browser sends, and a cookie. */
const BROWSER = [
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-US,en;q=0.9,de;q=0.8",
  "Cache-Control: max-age=0",
  'Sec-Ch-Ua: "Chromium";v="130", "Google Chrome";v="130"',
  "Sec-Ch-Ua-Mobile: ?0",
  'Sec-Ch-Ua-Platform: "Linux"',
  "Sec-Fetch-Dest: document",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Site: none",
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Cookie: session=abcdef0123456789abcdef0123456789; theme=dark; _ga=GA1.2.1234567890.1234567890",
];

const JSON_BODY = JSON.stringify({ items: Array.from({ length: 30 }, (_, id) => ({ id, name: `item number ${id}` })) });

const WORKLOADS = [
  { name: "hello on kept connections", load: {}, limits: { gateway: 0.65, fetch: 0.7 } },
  {
    name: "hello with 12 browser headers and a cookie",
    load: { headers: BROWSER },
    limits: { gateway: 0.7, fetch: 0.7 },
  },
  { name: "JSON POST of 1 KB", load: { body: JSON_BODY }, limits: { gateway: 0.7, fetch: 0.75 } },
];

/** @type {import("./run.mjs").Benchmark} */
export async function engine({ node, rounds }) {
  const folder = await mkdtemp(path.join(ROOT, "node_modules/.bench-"));
  try {
    const module = path.join(folder, "engine.mjs");
    await bundle(module);
    const figures = [];
    for (const { name, load, limits } of WORKLOADS) {
      for (const kind of /** @type {const} */ (["gateway", "fetch"])) {
        figures.push(
          ...(await compareCpu({
            name: `engine, ${kind}, ${name}: CPU a request, bare node:http = 1`,
            limit: limits[kind],
            rounds,
            load: { connections: 64, seconds: 1, core: 1, ...load },
            ours: () => startScript({ node, script: `${APPS}engine-server.mjs`, args: [module, kind], core: 0 }),
            theirs: () => startScript({ node, script: `${APPS}bare-http.cjs`, core: 0 }),
          })),
        );
      }
    }
    return figures;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * The engine and the fetch classes in one file, as a worker's bundle has them.
 * @param {string} outfile
 */
async function bundle(outfile) {
  const entries = ["src/http/index.ts", "src/gateway/fetch/index.ts"];
  await build({
    stdin: {
      contents: entries.map((entry) => `export * from ${JSON.stringify(path.join(ROOT, entry))};`).join("\n"),
      resolveDir: ROOT,
    },
    bundle: true,
    platform: "node",
    packages: "external",
    format: "esm",
    outfile,
  });
}
