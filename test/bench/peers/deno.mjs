/** The comparison's fetch handler on Deno.serve, on `$PORT`. */

import process from "node:process";
import application from "../apps/workloads/fetch.mjs";

Deno.serve({ port: Number(process.env.PORT), hostname: "127.0.0.1", onListen: () => {} }, application.fetch);
