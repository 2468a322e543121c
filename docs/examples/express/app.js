/**
 * An Express application as it is: it keeps its own `(req, res)` and never calls `listen()`.
 *
 *   npm install express
 *   tsgate --workers 4 docs/examples/express/app.js
 *   curl -i http://127.0.0.1:8000/hello/you
 */

import express from "express";

const app = express();

app.disable("x-powered-by");

app.use((request, response, next) => {
  response.set("X-Worker-Pid", String(process.pid));
  next();
});

app.get("/", (request, response) => {
  response.type("text").send(`Hello from worker ${process.pid}\n`);
});

app.get("/hello/:name", (request, response) => {
  response.json({ hello: request.params.name, worker: process.pid });
});

app.post("/echo", express.json(), (request, response) => {
  response.json(request.body);
});

export default app;
