/**
 * Events that are compressed and still arrive one by one. A client that takes zstd or brotli gets that.
 *
 *   tsgate docs/examples/middleware/compression/app.js
 *   curl -i -N --compressed -H 'Accept-Encoding: gzip' http://127.0.0.1:8000/
 */

import { setTimeout as pause } from "node:timers/promises";
import { compression } from "tsgate/middleware";

async function* events(signal) {
  for (let number = 1; number <= 3; number += 1) {
    yield `data: ${number}\n\n`;
    await pause(200, undefined, { signal });
  }
}

export const application = compression()((environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/event-stream"]]);
  return events(environ["gateway.signal"]);
});
