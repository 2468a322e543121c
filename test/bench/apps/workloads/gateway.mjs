/** The comparison's application for the gateway; `$WORKLOAD` says which. */

import content from "./content.cjs";

const { CHUNK, CHUNKS, HELLO, LARGE, WORKLOAD } = content;

/** @typedef {import("../../../../src/gateway/types.ts").Application} Application */

/** @type {Application} */
const hello = (_environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return [HELLO];
};

/** @type {Application} */
const json = (environ, startResponse) => {
  if (environ.REQUEST_METHOD === "GET") return hello(environ, startResponse);
  return count(environ, startResponse);
};

/** @type {Application} */
async function count(environ, startResponse) {
  const body = await environ["gateway.input"].read();
  startResponse(200, [["Content-Type", "text/plain"]]);
  return [String(JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString()).items.length)];
}

/** @type {Application} */
const large = (_environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return [LARGE];
};

/** @type {Application} */
const stream = (_environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return chunks();
};

async function* chunks() {
  for (let left = CHUNKS; left > 0; left -= 1) yield CHUNK;
}

/** @type {Record<string, Application>} */
const APPLICATIONS = { json, large, stream };

export const application = APPLICATIONS[WORKLOAD] ?? hello;
