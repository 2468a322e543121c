/**
 * Koa 3: the application is exported and does not listen; `ws` takes its WebSockets.
 *
 *   npm install koa ws
 *   tsgate --workers 4 docs/examples/frameworks/koa/app.js
 *   curl http://127.0.0.1:8000/
 */

import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import Koa from "koa";
import { WebSocketServer } from "ws";

const app = new Koa();
const life = { isOpen: false, healthAsked: 0 };

const routes = {
  "GET /": (ctx) => {
    ctx.body = `Hello from Koa in worker ${process.pid}, open: ${life.isOpen}\n`;
  },
  "GET /stream": (ctx) => {
    ctx.type = "text";
    ctx.body = Readable.from(lines());
  },
  "POST /upload": async (ctx) => {
    let bytes = 0;
    for await (const chunk of ctx.req) bytes += chunk.length;
    ctx.body = `${bytes} bytes\n`;
  },
  "GET /file": (ctx) => {
    ctx.type = "text";
    ctx.body = createReadStream(path.join(import.meta.dirname, "file.txt"));
  },
  "GET /error": async () => {
    throw new Error("thrown on purpose");
  },
  "GET /forever": (ctx) => {
    ctx.type = "text";
    ctx.body = Readable.from(ticks());
  },
};

app.use(async (ctx, next) => {
  const route = routes[`${ctx.method} ${ctx.path}`];
  await (route ?? next)(ctx);
});

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

const sockets = new WebSocketServer({ noServer: true, path: "/ws" });

sockets.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});

/** Takes the upgrades, as a listener of the server's `upgrade` event would. */
export function upgrade(request, socket, head) {
  sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request));
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

export default app;
