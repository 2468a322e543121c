/**
 * Sends a body back as it comes; `/held` says how many megabytes of memory were held at most meanwhile, above what was held
 * before, garbage not counted: `node --expose-gc`.
 */

const EVERY_BYTES = 8e6;
let atRest = 0;
let most = 0;

/** @type {import("../../../src/index.ts").Application} */
export const application = (environ, startResponse) => {
  startResponse(200, []);
  if (environ.REQUEST_METHOD !== "POST") return [environ.PATH_INFO === "/held" ? String(most / 1e6) : "ready"];
  atRest = heldBytes();
  most = 0;
  return echo(environ["gateway.input"]);
};

/** @param {AsyncIterable<Uint8Array>} input */
async function* echo(input) {
  let since = 0;
  for await (const chunk of input) {
    yield chunk;
    since += chunk.length;
    if (since < EVERY_BYTES) continue;
    since = 0;
    most = Math.max(most, heldBytes() - atRest);
  }
}

function heldBytes() {
  if (globalThis.gc === undefined) return 0;
  // What the first frees may be freed a moment later.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
