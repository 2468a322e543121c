/** The environ that a gateway application would have got with a request of `node:http`, for whoever only looks. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createEnviron, type GatewayContext } from "./environ.ts";
import { NodeExchange } from "./node-exchange.ts";
import type { Environ } from "./types.ts";

/** Undefined for a request that no application would get. Its input and its signal are of no use. */
export function environOf(request: IncomingMessage, response: ServerResponse): Environ | undefined {
  try {
    return createEnviron(new NodeExchange(request, response), CONTEXT, { signal: AbortSignal.abort() });
  } catch {
    return undefined;
  }
}

const CONTEXT: GatewayContext = {
  multiprocess: true,
  errors: { write() {}, writelines() {}, flush() {} },
  urlScheme: undefined,
};
