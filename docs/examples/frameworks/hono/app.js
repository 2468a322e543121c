/**
 * Hono 4: the application is the default export, as for Bun, Deno and the edge; `ws` takes its WebSockets.
 *
 *   npm install hono ws
 *   tsgate --workers 4 docs/examples/frameworks/hono/app.js
 *   curl http://127.0.0.1:8000/
 */

import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { WebSocketServer } from "ws";

const app = new Hono();
const life = { isOpen: false, healthAsked: 0 };

app.get("/", (c) => c.text(`Hello from Hono in worker ${process.pid}, open: ${life.isOpen}\n`));

app.get("/stream", (c) =>
  streamText(c, async (stream) => {
    for (let number = 1; number <= 5; number++) {
      await stream.writeln(`${number}`);
      await stream.sleep(100);
    }
  }),
);

app.post("/upload", async (c) => {
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) bytes += chunk.length;
  return c.text(`${bytes} bytes\n`);
});

app.get("/file", (c) => {
  c.header("Content-Type", "text/plain");
  return c.body(Readable.toWeb(createReadStream(path.join(import.meta.dirname, "file.txt"))));
});

app.get("/error", async () => {
  throw new Error("thrown on purpose");
});

app.get("/forever", (c) =>
  streamText(c, async (stream) => {
    while (!stream.aborted) {
      await stream.writeln(`worker ${process.pid}`);
      await stream.sleep(100);
    }
  }),
);

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
