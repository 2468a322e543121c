/** The comparison's fetch handler on Bun.serve, on `$PORT`. */

import application from "../apps/workloads/fetch.mjs";

Bun.serve({ fetch: application.fetch, port: Number(process.env.PORT), hostname: "127.0.0.1" });
