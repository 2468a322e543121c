/** What a connection asks of the server that it belongs to: the rules, the clock, and who serves. */

import type { Connection } from "./connection.ts";
import type { HttpExchange } from "./exchange.ts";
import type { Refusal } from "./refusal.ts";
import type { HeadRules } from "./request-head.ts";
import type { UpgradeTaker } from "./upgrades.ts";

/** What all connections of a server share. */
export interface ConnectionOwner {
  readonly rules: HeadRules;
  /** Milliseconds on the coarse clock. */
  readonly now: number;
  readonly isDraining: boolean;
  readonly servesHalfClosed: boolean;
  /** Requests that are not answered, of all connections. */
  readonly inFlight: number;
  /** A request has come, or what was meant to be one: its reply is due from here on. */
  begun(exchange: HttpExchange, connection: Connection): void;
  /** Its reply has been handed over, or will never be. Once each. */
  ended(exchange: HttpExchange, connection: Connection): void;
  serve(exchange: HttpExchange): void;
  /** Who takes the connection to the protocol that `request` asks for, if somebody does. */
  readonly upgrades: UpgradeTaker | undefined;
  /** From here on the connection is nobody's but whoever takes it. */
  release(connection: Connection): void;
  refused(refusal: Refusal, connection: Connection): void;
}
