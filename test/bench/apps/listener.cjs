/** The smallest `(req, res)` application. */

const pid = String(process.pid);

/** @type {import("node:http").RequestListener} */
module.exports = (_request, response) => {
  response.setHeader("X-Worker-Pid", pid);
  response.end("hello world\n");
};
