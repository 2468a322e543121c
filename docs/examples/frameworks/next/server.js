/**
 * Next.js 16 with a server of its own, after `next build`: a program that calls `listen()`, run as it is. WebSockets at
 * `/ws`, which Next has no routes for.
 *
 *   cd docs/examples/frameworks/next && npm ci && npm run build
 *   tsgate --workers 4 --env NODE_ENV=production server.js
 *   curl http://127.0.0.1:8000/
 */

import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import next from "next";
import { WebSocketServer } from "ws";

// Pages are bundled apart from this file: what both of them see is global.
const life = (globalThis.life = { isOpen: false, healthAsked: 0 });

const app = next({ dev: false, dir: import.meta.dirname });
await app.prepare();
const handle = app.getRequestHandler();

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
});

const sockets = new WebSocketServer({ server, path: "/ws" });

sockets.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
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

export async function shutdown() {
  life.isOpen = false;
  await app.close();
  console.log(`worker ${process.pid} was asked ${life.healthAsked} times for its health and has shut down`);
}
