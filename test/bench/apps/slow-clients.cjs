/** Reads the body and answers; `/big` sends more than any kernel takes for a client that does not read. */

const BLOCK = Buffer.alloc(65_536, "x");
const BLOCKS = 1000;
const pid = String(process.pid);

/** @type {import("node:http").RequestListener} */
module.exports = (request, response) => {
  response.setHeader("X-Worker-Pid", pid);
  if (request.url === "/big") return send(response, BLOCKS);
  request.resume().on("end", () => response.end("hello world\n"));
};

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} blocks
 */
function send(response, blocks) {
  for (let left = blocks; left > 0; left -= 1) {
    if (response.destroyed) return;
    if (response.write(BLOCK)) continue;
    response.once("drain", () => send(response, left - 1));
    return;
  }
  response.end();
}
