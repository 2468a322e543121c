/** Names each request of the engine before anybody else hears of it: see `naming-observer.ts`. */

import type { HttpExchange } from "../../http/exchange.ts";
import { newRequestId, REQUEST_ID_HEADER, REQUEST_ID_NAME, saneRequestId } from "../../request-id.ts";
import type { ExchangeObserver } from "../exchange-observer.ts";

export class NamingExchangeObserver implements ExchangeObserver {
  readonly #next: ExchangeObserver | undefined;

  /** @param next is told what this one is told */
  constructor(next: ExchangeObserver | undefined) {
    this.#next = next;
  }

  begun(exchange: HttpExchange, at: number): void {
    if (exchange.unread === undefined) {
      const { request } = exchange;
      const sane = saneRequestId(request.header(REQUEST_ID_HEADER));
      const id = sane ?? newRequestId();
      if (sane === undefined) exchange.request = request.withHeader(REQUEST_ID_NAME, id);
      exchange.usualHeaders = [REQUEST_ID_NAME, id];
    }
    this.#next?.begun(exchange, at);
  }

  ended(exchange: HttpExchange, at: number, isCut: boolean): void {
    this.#next?.ended(exchange, at, isCut);
  }
}
