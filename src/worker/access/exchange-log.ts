/**
 * Every request that the engine serves, told to the access log when its reply has ended: as `request-log.ts` does for
 * those of `node:http`.
 */

import type { HttpExchange } from "../../http/exchange.ts";
import type { ExchangeObserver } from "../exchange-observer.ts";
import { ExchangeEntry } from "./exchange-entry.ts";
import type { LineWriter } from "./line-writer.ts";

export class ExchangeLog implements ExchangeObserver {
  readonly #lines: LineWriter;

  constructor(lines: LineWriter) {
    this.#lines = lines;
  }

  begun(): void {
    // When it began the exchange knows.
  }

  ended(exchange: HttpExchange, at: number, isCut: boolean): void {
    // What could not be read began nobody knows when.
    const begunAt = exchange.unread === undefined ? exchange.watchedSince : at;
    const ended = { durationMs: at - begunAt, endedAt: this.#lines.epoch(at), isCut };
    this.#lines.write(new ExchangeEntry(exchange, ended));
  }
}
