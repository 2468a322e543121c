/** What everybody writes next: node:cluster with its default dispatch. `node cluster.mjs APP PORT WORKERS`. */

import cluster from "node:cluster";
import http from "node:http";
import { pathToFileURL } from "node:url";

const [file = "", port = "", workers = ""] = process.argv.slice(2);
if (cluster.isPrimary) {
  for (let index = 0; index < Number(workers); index += 1) cluster.fork();
} else {
  const { default: app } = await import(pathToFileURL(file).href);
  http.createServer(app).listen(Number(port), "127.0.0.1");
}
