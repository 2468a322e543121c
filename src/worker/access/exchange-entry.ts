/** A request that the engine has served, or refused, as a line of the access log. */

import type { HttpExchange } from "../../http/exchange.ts";
import { statusOfHead } from "../../node-http.ts";
import type { AccessEntry } from "../../observe/access-entry.ts";
import { exchangeVariable } from "./exchange-environ.ts";
import { firstCounts, headerIn } from "./header-values.ts";
import { requestLineIn } from "./refused-entry.ts";

/** In nginx's words: the connection closed before there was any reply. */
const NO_REPLY = 499;

export class ExchangeEntry implements AccessEntry {
  readonly #exchange: HttpExchange;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly durationMs: number;
  readonly endedAt: number;
  readonly isCut: boolean;

  constructor(exchange: HttpExchange, ended: Pick<AccessEntry, "durationMs" | "endedAt" | "isCut">) {
    this.#exchange = exchange;
    const { method, target, version } = exchange.unread === undefined ? exchange : requestLineIn(exchange.unread);
    this.method = method;
    this.target = target;
    this.version = version;
    this.durationMs = ended.durationMs;
    this.endedAt = ended.endedAt;
    this.isCut = ended.isCut;
  }

  get address(): string | undefined {
    return this.#exchange.connection.remoteAddress;
  }

  get status(): number {
    const { sentHead } = this.#exchange;
    return sentHead === "" ? NO_REPLY : statusOfHead(sentHead);
  }

  get bytes(): number {
    return this.#exchange.bodyBytes;
  }

  header(name: string): string | undefined {
    const { request } = this.#exchange;
    return firstCounts(name) ? request.allOf(name)[0] : request.header(name);
  }

  replyHeader(name: string): string | undefined {
    return headerIn(this.#exchange.sentHead, name);
  }

  variable(name: string): string | undefined {
    return exchangeVariable(this.#exchange, name);
  }
}
