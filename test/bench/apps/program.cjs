/** The smallest program that listens by itself, on `$PORT` or 3000. */

const http = require("node:http");
const listener = require("./listener.cjs");

http.createServer(listener).listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1");
