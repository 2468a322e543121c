/** The environ that a gateway application would have got with a request, for whoever only looks. */

import { createEnviron, type GatewayContext } from "./environ.ts";
import type { Exchange } from "./exchange.ts";
import type { Environ } from "./types.ts";

/** Undefined for a request that no application would get. Its input and its signal are of no use. */
export function environOf(exchange: Exchange): Environ | undefined {
  try {
    return createEnviron(exchange, CONTEXT, { signal: AbortSignal.abort() });
  } catch {
    return undefined;
  }
}

const CONTEXT: GatewayContext = {
  multiprocess: true,
  errors: { write() {}, writelines() {}, flush() {} },
  urlScheme: undefined,
};
