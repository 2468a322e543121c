/** The comparison's application as a `(req, res)` function; `$WORKLOAD` says which. */

const { CHUNK, CHUNKS, HELLO, LARGE, WORKLOAD } = require("./content.cjs");

/** @type {import("node:http").RequestListener} */
const hello = (_request, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end(HELLO);
};

/** @type {import("node:http").RequestListener} */
const json = (request, response) => {
  if (request.method === "GET") return hello(request, response);
  /** @type {Buffer[]} */
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    response.setHeader("Content-Type", "text/plain");
    response.end(String(JSON.parse(Buffer.concat(chunks).toString()).items.length));
  });
};

/** @type {import("node:http").RequestListener} */
const large = (_request, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end(LARGE);
};

/** @type {import("node:http").RequestListener} */
const stream = (_request, response) => {
  response.setHeader("Content-Type", "text/plain");
  void writeChunks(response);
};

/** @param {import("node:http").ServerResponse} response */
async function writeChunks(response) {
  for (let left = CHUNKS; left > 0; left -= 1) {
    response.write(CHUNK);
    await Promise.resolve();
  }
  response.end();
}

/** @type {Record<string, import("node:http").RequestListener>} */
const LISTENERS = { json, large, stream };

module.exports = LISTENERS[WORKLOAD] ?? hello;
