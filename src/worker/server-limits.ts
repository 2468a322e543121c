/** What every server of a worker is held to, whatever its transport. */

import type net from "node:net";
import type { BootOrder } from "../boot-order.ts";
import type { Clientele } from "./clientele.ts";
import type { ServerLimits } from "./connection.ts";

/** What is asked of clients. */
export function serverLimits({ clients }: BootOrder): ServerLimits {
  return {
    headersMs: clients.headersTimeoutMs,
    bodyMs: clients.bodyTimeoutMs,
    sendMs: clients.sendTimeoutMs,
    responseMs: clients.responseTimeoutMs,
    concurrency: clients.limitConcurrency,
    sizes: clients.sizes,
  };
}

/** Turns connections away while the process has no descriptors for them, or more than `own` says are open. */
export function holdWithin({ descriptors }: Clientele, server: net.Server, own: () => number | undefined): net.Server {
  // Node closes what comes while there are more than this: which -1 makes always so, and 0 never on Node 20.
  Object.defineProperty(server, "maxConnections", { get: () => (descriptors.isFull ? -1 : own()) });
  return server.on("drop", () => {
    if (descriptors.isFull) descriptors.turnedAway();
  });
}
