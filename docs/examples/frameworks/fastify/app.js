/**
 * Fastify 5: the instance is exported and does not listen; its plugins are ready before the worker is.
 *
 *   npm install fastify @fastify/websocket
 *   tsgate --workers 4 docs/examples/frameworks/fastify/app.js
 *   curl http://127.0.0.1:8000/
 */

import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import websocket from "@fastify/websocket";
import Fastify from "fastify";

const app = Fastify({ logger: { level: "error" } });
const life = { isOpen: false, healthAsked: 0 };

await app.register(websocket);

// A body is handed on as the stream that it is.
app.addContentTypeParser("*", (request, payload, done) => done(null, payload));

app.get("/", async () => `Hello from Fastify in worker ${process.pid}, open: ${life.isOpen}\n`);

app.get("/stream", (request, reply) => reply.type("text/plain").send(Readable.from(lines())));

app.post("/upload", async (request) => {
  let bytes = 0;
  for await (const chunk of /** @type {Readable} */ (request.body)) bytes += chunk.length;
  return `${bytes} bytes\n`;
});

app.get("/file", (request, reply) =>
  reply.type("text/plain").send(createReadStream(path.join(import.meta.dirname, "file.txt"))),
);

app.get("/error", async () => {
  throw new Error("thrown on purpose");
});

app.get("/forever", (request, reply) => reply.type("text/plain").send(Readable.from(ticks())));

app.get("/ws", { websocket: true }, (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
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

/** The plugin listens for the upgrades of Fastify's own server, which nobody connects to. */
export function upgrade(request, socket, head) {
  app.server.emit("upgrade", request, socket, head);
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

/** Runs the `onClose` hooks of the plugins. */
export async function shutdown() {
  life.isOpen = false;
  await app.close();
  console.log(`worker ${process.pid} was asked ${life.healthAsked} times for its health and has shut down`);
}

export default app;
