/** What everybody writes next: node:cluster with its default dispatch. `node cluster.cjs APP PORT WORKERS`. */

/** @type {typeof import("node:cluster").default} */
// @ts-expect-error for require() the module is the cluster itself
const cluster = require("node:cluster");
const http = require("node:http");

const [file = "", port = "", workers = ""] = process.argv.slice(2);
if (cluster.isPrimary) {
  for (let index = 0; index < Number(workers); index += 1) cluster.fork();
} else {
  http.createServer(require(file)).listen(Number(port), "127.0.0.1");
}
