/**
 * Express 4: the application as it is, without `listen()`, and `ws` for its WebSockets. It does not wait for
 * promises: what goes wrong in an asynchronous handler is handed to `next`. Here it is installed as `express4`, beside
 * Express 5.
 *
 *   npm install express@4 ws
 *   tsgate --workers 4 docs/examples/frameworks/express4/app.js
 *   curl http://127.0.0.1:8000/
 */

import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import express from "express4";
import { WebSocketServer } from "ws";

const app = express();
const life = { isOpen: false, healthAsked: 0 };

app.get("/", (request, response) => {
  response.type("text").send(`Hello from Express 4 in worker ${process.pid}, open: ${life.isOpen}\n`);
});

app.get("/stream", async (request, response, next) => {
  try {
    response.type("text");
    for (let number = 1; number <= 5; number++) {
      response.write(`${number}\n`);
      await pause(100);
    }
    response.end();
  } catch (error) {
    next(error);
  }
});

app.post("/upload", (request, response, next) => {
  let bytes = 0;
  request.on("data", (chunk) => (bytes += chunk.length));
  request.on("error", next);
  request.on("end", () => response.type("text").send(`${bytes} bytes\n`));
});

app.get("/file", (request, response) => {
  response.sendFile(path.join(import.meta.dirname, "file.txt"));
});

app.get("/error", () => {
  throw new Error("thrown on purpose");
});

app.get("/forever", (request, response) => {
  const tick = () => response.write(`worker ${process.pid}\n`);
  const timer = setInterval(tick, 100);
  response.on("close", () => clearInterval(timer));
  response.type("text");
  tick();
});

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
