/**
 * Plain `node:http`: the server is exported and nobody calls its `listen()` but tsgate.
 *
 *   tsgate --workers 4 docs/examples/frameworks/node-http/app.js
 *   curl http://127.0.0.1:8000/
 */

import { createReadStream } from "node:fs";
import http from "node:http";
import path from "node:path";
import { pipeline } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

const life = { isOpen: false, healthAsked: 0 };

const server = http.createServer((request, response) => {
  route(request, response).catch((error) => {
    console.error(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end("something went wrong\n");
  });
});

async function route(request, response) {
  response.setHeader("Content-Type", "text/plain");
  switch (`${request.method} ${request.url}`) {
    case "GET /":
      response.end(`Hello from node:http in worker ${process.pid}, open: ${life.isOpen}\n`);
      break;
    case "GET /stream":
      for (let number = 1; number <= 5; number++) {
        response.write(`${number}\n`);
        await pause(100);
      }
      response.end();
      break;
    case "POST /upload": {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      response.end(`${bytes} bytes\n`);
      break;
    }
    case "GET /file":
      pipeline(createReadStream(path.join(import.meta.dirname, "file.txt")), response, () => {});
      break;
    case "GET /error":
      throw new Error("thrown on purpose");
    case "GET /forever":
      while (!response.destroyed) {
        response.write(`worker ${process.pid}\n`);
        await pause(100);
      }
      break;
    default:
      response.writeHead(404).end("not here\n");
  }
}

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

export default server;
