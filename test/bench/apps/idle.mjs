/**
 * A gateway application that says which worker answers, and, as `/memory`, what memory its process has when nothing is
 * left to collect.
 */

import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--expose-gc");
/** @type {() => void} */
const collect = vm.runInNewContext("gc");
const HEADERS = /** @type {[string, string][]} */ ([["X-Worker-Pid", String(process.pid)]]);

/** @type {import("../../../src/gateway/types.ts").Application} */
export const application = (environ, startResponse) => {
  startResponse(200, HEADERS);
  if (environ.PATH_INFO !== "/memory") return ["hello world\n"];
  collect();
  collect();
  return [`${process.memoryUsage.rss()}\n`];
};

/** The same as a `(req, res)` function. @type {import("node:http").RequestListener} */
export const listener = (request, response) => {
  response.setHeader("X-Worker-Pid", String(process.pid));
  if (request.url !== "/memory") return response.end("hello world\n");
  collect();
  collect();
  return response.end(`${process.memoryUsage.rss()}\n`);
};
