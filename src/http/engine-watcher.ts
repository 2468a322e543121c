/** The engine as whoever runs it sees it from outside: a worker counts, names and writes down what comes and goes. */

import type { Connection } from "./connection.ts";
import type { HttpExchange } from "./exchange.ts";
import type { Refusal } from "./refusal.ts";
import type { UpgradeTaker } from "./upgrades.ts";

/** Whoever follows what becomes of requests, each in the turn in which it happens. */
export interface EngineWatcher {
  /** A request has come and nobody has seen it, or what was meant to be one and has an `unread`. */
  begun(exchange: HttpExchange, connection: Connection): void;
  /** Its reply has been handed over to the socket, or will never be. Once each. */
  ended(exchange: HttpExchange, connection: Connection): void;
  /** Takes connections to other protocols, in the place of the engine's own options. */
  readonly upgrades?: UpgradeTaker | undefined;
  /** No application gets to see it. */
  refused(refusal: Refusal, connection: Connection): void;
}
