/** The comparison's application as a fetch handler, for every server that takes one; `$WORKLOAD` says which. */

import content from "./content.cjs";

const { CHUNK, CHUNKS, HELLO, LARGE, WORKLOAD } = content;

/** @typedef {(request: Request) => Response | Promise<Response>} Handler */

/**
 * Which Response is looked up at each call: a server may put its own in place, or give one.
 * @param {{ Response: typeof Response }} classes
 */
export function handlerOf(classes) {
  /** @type {Handler} */
  const hello = () => new classes.Response(HELLO);
  /** @type {Record<string, Handler>} */
  const handlers = {
    json: async (request) => {
      if (request.method === "GET") return hello(request);
      const { items } = /** @type {{ items: unknown[] }} */ (await request.json());
      return new classes.Response(String(items.length));
    },
    large: () => new classes.Response(LARGE, { headers: { "Content-Type": "text/plain" } }),
    stream: () => new classes.Response(chunks(), { headers: { "Content-Type": "text/plain" } }),
  };
  return handlers[WORKLOAD] ?? hello;
}

function chunks() {
  let left = CHUNKS;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(CHUNK);
      left -= 1;
      if (left === 0) controller.close();
    },
  });
}

export default { fetch: handlerOf(globalThis) };
