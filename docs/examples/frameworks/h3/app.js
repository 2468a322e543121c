/**
 * h3 2: the application is the default export, as for Bun, Deno and the edge; `ws` takes its WebSockets.
 *
 *   npm install h3 ws
 *   tsgate --workers 4 docs/examples/frameworks/h3/app.js
 *   curl http://127.0.0.1:8000/
 */

import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { H3 } from "h3";
import { WebSocketServer } from "ws";

const app = new H3();
const life = { isOpen: false, healthAsked: 0 };

app.get("/", () => `Hello from h3 in worker ${process.pid}, open: ${life.isOpen}\n`);

app.get("/stream", (event) => text(event, Readable.from(lines())));

app.post("/upload", async (event) => {
  let bytes = 0;
  for await (const chunk of event.req.body ?? []) bytes += chunk.length;
  return `${bytes} bytes\n`;
});

app.get("/file", (event) => text(event, createReadStream(path.join(import.meta.dirname, "file.txt"))));

app.get("/error", async () => {
  throw new Error("thrown on purpose");
});

app.get("/forever", (event) => text(event, Readable.from(ticks())));

function text(event, stream) {
  event.res.headers.set("Content-Type", "text/plain");
  return Readable.toWeb(stream);
}

async function* lines() {
  for (let number = 1; number <= 5; number++) {
    yield Buffer.from(`${number}\n`);
    await pause(100);
  }
}

async function* ticks() {
  for (;;) {
    yield Buffer.from(`worker ${process.pid}\n`);
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
