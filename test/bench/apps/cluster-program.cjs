/** A program that listens by itself, as people put it on node:cluster. `PORT=… node cluster-program.cjs PROGRAM WORKERS`. */

/** @type {typeof import("node:cluster").default} */
// @ts-expect-error for require() the module is the cluster itself
const cluster = require("node:cluster");

const [program = "", workers = ""] = process.argv.slice(2);
if (cluster.isPrimary) {
  for (let index = 0; index < Number(workers); index += 1) cluster.fork();
} else {
  require(program);
}
