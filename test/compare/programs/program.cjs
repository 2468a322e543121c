/**
 * An application as a program that listens by itself, with the graceful end that the documents of Node and PM2 ask of
 * one: as a worker of cluster.mjs and as a process of PM2. It listens on `PORT`.
 */

const { createServer } = require("node:http");

const KEEP_ALIVE_MS = 75_000;
const DEADLINE_MS = 10_000;

let isStopping = false;

/** @param {string} applicationUrl of a module with a listener `application` */
exports.serve = async (applicationUrl) => {
  const { application } = await import(applicationUrl);
  const server = createServer((request, response) => {
    // A kept connection would otherwise go on for as long as its client has something to ask.
    if (isStopping) response.setHeader("connection", "close");
    application(request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(Number(process.env["PORT"]), "127.0.0.1", () => process.send?.("ready"));

  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    server.close(() => process.exit(0));
    setTimeout(() => process.exit(1), DEADLINE_MS).unref();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("message", (message) => {
    if (message === "shutdown") stop();
  });
};
