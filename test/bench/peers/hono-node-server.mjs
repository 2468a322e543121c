/** The comparison's fetch handler on @hono/node-server, in one process, on `$PORT`. */

import { serve } from "@hono/node-server";
import { handlerOf } from "../apps/workloads/fetch.mjs";

// It has put a Response of its own in place.
serve({ fetch: handlerOf(globalThis), port: Number(process.env.PORT), hostname: "127.0.0.1" });
