/** What everybody writes first: one process, one port. `node plain.cjs APP PORT`. */

const http = require("node:http");

const [file = "", port = ""] = process.argv.slice(2);
http.createServer(require(file)).listen(Number(port), "127.0.0.1");
