/**
 * Sends a body back as it comes; `/held` says how many megabytes of memory were held at most meanwhile, above what was held
 * before, garbage not counted: `node --expose-gc`. `/buffers` says how many megabytes of buffers there were, garbage among
 * them: without that option.
 */

const EVERY_BYTES = 8e6;
const GLANCE_BYTES = 1e6;
let atRest = 0;
let most = 0;
let buffers = 0;

/** @type {import("../../../src/index.ts").Application} */
export const application = (environ, startResponse) => {
  startResponse(200, []);
  if (environ.PATH_INFO === "/held") return [String(most / 1e6)];
  if (environ.PATH_INFO === "/buffers") return [String(buffers / 1e6)];
  if (environ.REQUEST_METHOD !== "POST") return ["ready"];
  atRest = heldBytes();
  most = 0;
  buffers = 0;
  return echo(environ["gateway.input"]);
};

/** @param {AsyncIterable<Uint8Array>} input */
async function* echo(input) {
  let since = 0;
  let unseen = 0;
  for await (const chunk of input) {
    yield chunk;
    since += chunk.length;
    unseen += chunk.length;
    if (unseen >= GLANCE_BYTES) {
      unseen = 0;
      buffers = Math.max(buffers, process.memoryUsage().arrayBuffers);
    }
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
