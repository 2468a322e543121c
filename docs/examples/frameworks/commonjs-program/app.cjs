/**
 * A program in CommonJS that calls `listen()`, run as it is: it was written for `node app.cjs` and imports nothing of
 * ours. What it exports is optional.
 *
 *   tsgate --workers 4 docs/examples/frameworks/commonjs-program/app.cjs
 *   curl http://127.0.0.1:8000/
 */

"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const life = { isOpen: false, healthAsked: 0 };

const server = http.createServer();

server.on("request", (request, response) => {
  response.setHeader("Content-Type", "text/plain");
  try {
    route(request, response);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end("something went wrong\n");
  }
});

server.listen(process.env.PORT || 3000, () => console.log(`worker ${process.pid} listens`));

function route(request, response) {
  if (request.url === "/") response.end(`Hello from CommonJS in worker ${process.pid}, open: ${life.isOpen}\n`);
  else if (request.url === "/stream") tick(response, 5, (number) => `${number}\n`);
  else if (request.url === "/upload") countBytes(request, (bytes) => response.end(`${bytes} bytes\n`));
  else if (request.url === "/file") fs.createReadStream(path.join(__dirname, "file.txt")).pipe(response);
  else if (request.url === "/error") throw new Error("thrown on purpose");
  else if (request.url === "/forever") tick(response, Infinity, () => `worker ${process.pid}\n`);
  else response.writeHead(404).end("not here\n");
}

/** Writes a line each tenth of a second until there have been `count` or the client has gone. */
function tick(response, count, line) {
  let number = 0;
  const write = () => {
    number += 1;
    response.write(line(number));
    if (number < count) return;
    clearInterval(timer);
    response.end();
  };
  const timer = setInterval(write, 100);
  response.on("close", () => clearInterval(timer));
  write();
}

function countBytes(request, done) {
  let bytes = 0;
  request.on("data", (chunk) => (bytes += chunk.length));
  request.on("end", () => done(bytes));
}

exports.startup = async () => {
  await new Promise((resolve) => setTimeout(resolve, 10)); // Connect to the database here.
  life.isOpen = true;
  console.log(`worker ${process.pid} has started`);
};

exports.health = () => {
  life.healthAsked += 1;
  return life.isOpen;
};

exports.shutdown = () => {
  life.isOpen = false;
  console.log(`worker ${process.pid} was asked ${life.healthAsked} times for its health and has shut down`);
};
