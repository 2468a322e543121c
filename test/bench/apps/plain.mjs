/** What everybody writes first: one process, one port. `node plain.mjs APP PORT`. */

import http from "node:http";
import { pathToFileURL } from "node:url";

const [file = "", port = ""] = process.argv.slice(2);
const { default: app } = await import(pathToFileURL(file).href);
http.createServer(app).listen(Number(port), "127.0.0.1");
