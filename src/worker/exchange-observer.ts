/** Whoever wants to know of the requests that the engine serves, beside those who answer them. */

import type { HttpExchange } from "../http/exchange.ts";

export interface ExchangeObserver {
  /** A request has come, at `at` on the monotonic clock, and nobody has seen it yet; or what was meant to be one. */
  begun(exchange: HttpExchange, at: number): void;
  /** The client has its reply since `at`, or will never have it: then it `isCut`. Once each. */
  ended(exchange: HttpExchange, at: number, isCut: boolean): void;
}
