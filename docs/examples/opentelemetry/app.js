/** A `(req, res)` application. Its spans come from instrument.mjs; it adds what only it can know, the route. */

import { trace } from "@opentelemetry/api";

const routes = {
  "GET /orders": () => ({ worker: process.pid }),
  "POST /orders": () => ({ worker: process.pid, status: 201 }),
};

export default function listener(request, response) {
  const [path] = request.url.split("?", 1);
  const route = `${request.method} ${path}`;
  const { status = 200, ...body } = routes[route]?.() ?? { worker: process.pid, status: 404 };
  if (route in routes) trace.getActiveSpan()?.updateName(route).setAttribute("http.route", path);
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
