/**
 * A reply that is made while it is sent. `finally` runs when the body is over, also when the client has gone.
 *
 *   tsgate docs/examples/streaming/app.js
 *   curl -N http://127.0.0.1:8000/
 */

import { setTimeout as pause } from "node:timers/promises";

async function* count(signal) {
  try {
    for (let number = 1; number <= 5; number++) {
      yield `${number}\n`;
      await pause(100, undefined, { signal });
    }
  } finally {
    console.log(`worker ${process.pid} has finished a reply`);
  }
}

export function application(environ, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return count(environ["gateway.signal"]);
}
