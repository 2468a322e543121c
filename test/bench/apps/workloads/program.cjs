/**
 * The same as a program that listens on `$PORT`: alone what every framework stands on, and the worker of node:cluster and
 * PM2. It ends as both ask of one: what is in flight is answered, and kept connections are told to close.
 */

const http = require("node:http");
const listener = require("./listener.cjs");

const server = http.createServer(listener);
server.listen(Number(process.env["PORT"]), "127.0.0.1", () => process.send?.("ready"));

function stop() {
  server.prependListener("request", (_request, response) => response.setHeader("Connection", "close"));
  server.close(() => process.exit());
}
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
process.on("message", (message) => {
  if (message === "shutdown") stop();
});
