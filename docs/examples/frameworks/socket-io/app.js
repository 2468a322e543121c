/**
 * Socket.IO 4 with Express on one server, over WebSockets alone: a client that polls would need all its requests to
 * reach the same worker. A program that calls `listen()`, run as it is. Events are echoed, with the worker's pid.
 *
 *   npm install express socket.io
 *   tsgate --workers 4 docs/examples/frameworks/socket-io/app.js
 *   curl http://127.0.0.1:8000/
 */

import http from "node:http";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import express from "express";
import { Server } from "socket.io";

const app = express();
const server = http.createServer(app);
const io = new Server(server, { transports: ["websocket"] });
const life = { isOpen: false, healthAsked: 0 };

io.on("connection", (socket) => {
  socket.on("echo", (message, reply) => reply({ message, worker: process.pid }));
});

app.get("/", (request, response) => {
  response.type("text").send(`Hello from Socket.IO in worker ${process.pid}, open: ${life.isOpen}\n`);
});

app.get("/stream", async (request, response) => {
  response.type("text");
  for (let number = 1; number <= 5; number++) {
    response.write(`${number}\n`);
    await pause(100);
  }
  response.end();
});

app.post("/upload", async (request, response) => {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  response.type("text").send(`${bytes} bytes\n`);
});

app.get("/file", (request, response) => {
  response.sendFile(path.join(import.meta.dirname, "file.txt"));
});

app.get("/error", async () => {
  throw new Error("thrown on purpose");
});

app.get("/forever", (request, response) => {
  const tick = () => response.write(`worker ${process.pid}\n`);
  const timer = setInterval(tick, 100);
  response.on("close", () => clearInterval(timer));
  response.type("text");
  tick();
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
