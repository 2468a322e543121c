/** The comparison's fetch handler on srvx with its fast Response, in one process, on `$PORT`. */

import { FastResponse, serve } from "srvx";
import { handlerOf } from "../apps/workloads/fetch.mjs";

serve({
  fetch: handlerOf({ Response: FastResponse }),
  port: Number(process.env.PORT),
  hostname: "127.0.0.1",
  silent: true,
  gracefulShutdown: false,
});
