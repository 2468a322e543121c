/**
 * A program as an ES module: it prepares itself with a top-level await and calls `listen()`. Run as it is; the port that
 * it names is the one that plain `node app.js` would listen on.
 *
 *   tsgate --workers 4 docs/examples/frameworks/esm-program/app.js
 *   curl http://127.0.0.1:8000/
 */

import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

const life = { isOpen: false, healthAsked: 0 };
const file = await readFile(path.join(import.meta.dirname, "file.txt"));

/** What each route answers: text, bytes or a stream. */
const routes = {
  "GET /": () => `Hello from an ES module in worker ${process.pid}, open: ${life.isOpen}\n`,
  "GET /stream": () => Readable.from(lines()),
  "POST /upload": async (request) => {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    return `${bytes} bytes\n`;
  },
  "GET /file": () => file,
  "GET /error": () => {
    throw new Error("thrown on purpose");
  },
  "GET /forever": () => Readable.from(ticks()),
};

async function* lines() {
  for (let number = 1; number <= 5; number++) {
    yield `${number}\n`;
    await pause(100);
  }
}

async function* ticks() {
  for (;;) {
    yield `worker ${process.pid}\n`;
    await pause(100);
  }
}

async function answer(request, response) {
  response.setHeader("Content-Type", "text/plain");
  const body = await routes[`${request.method} ${request.url}`]?.(request);
  if (body instanceof Readable) {
    body.pipe(response);
    response.on("close", () => body.destroy());
  } else {
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }
}

function fail(error, response) {
  console.error(error);
  response.writeHead(500).end("something went wrong\n");
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => fail(error, response));
});

server.listen(Number(process.env.PORT ?? 3000));

export async function startup() {
  await pause(10); // Connect to the database here.
  life.isOpen = true;
  console.log(`worker ${process.pid} has started`);
}

export function health() {
  life.healthAsked += 1;
  return life.isOpen;
}

export function shutdown() {
  life.isOpen = false;
  console.log(`worker ${process.pid} was asked ${life.healthAsked} times for its health and has shut down`);
}
