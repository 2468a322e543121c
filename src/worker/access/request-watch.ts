/**
 * What a worker does with each request beside serving it, as its order says: it names it, and writes it down. A worker
 * that is to do neither has nobody who observes.
 */

import type { RequestListener } from "node:http";
import { parseAccessFormat } from "../../config/access-format.ts";
import type { Application } from "../../gateway/index.ts";
import type { AccessLogOrder, BootOrder } from "../../boot-order.ts";
import { AccessLog } from "../../observe/access-log.ts";
import { compileFormat } from "../../observe/access-log-format.ts";
import { log } from "../channel.ts";
import type { Connections } from "../connections.ts";
import type { HttpExchange } from "../../http/exchange.ts";
import type { ExchangeObserver } from "../exchange-observer.ts";
import type { RequestObserver } from "../request-observer.ts";
import { rememberEnvirons } from "./entry-environ.ts";
import { rememberExchangeEnvirons } from "./exchange-environ.ts";
import { ExchangeLog } from "./exchange-log.ts";
import { LineWriter } from "./line-writer.ts";
import { NamingExchangeObserver } from "./naming-exchange-observer.ts";
import { NamingObserver } from "./naming-observer.ts";
import { RequestLog } from "./request-log.ts";

export class RequestWatch {
  readonly #connections: Pick<Connections, "endAll">;
  readonly #givesIds: boolean;
  readonly #wantsEnvirons: boolean;
  readonly #writer: LineWriter | undefined;
  #lines: AccessLog | undefined;
  #observer: RequestObserver | undefined;
  #endUpgrades: () => void = () => {};

  constructor(
    { accessLog, givesRequestIds }: Pick<BootOrder, "accessLog" | "givesRequestIds">,
    connections: Pick<Connections, "endAll">,
  ) {
    this.#connections = connections;
    this.#givesIds = givesRequestIds;
    this.#wantsEnvirons = accessLog !== undefined && asksForEnviron(accessLog.format);
    this.#writer = accessLog === undefined ? undefined : this.#openLog(accessLog);
  }

  /** Who observes requests of `node:http`; undefined where there is nothing to do. */
  get observer(): RequestObserver | undefined {
    return (this.#observer ??= this.#makeObserver());
  }

  /** Who observes those of the engine. Once. */
  exchangeObserver(): ExchangeObserver | undefined {
    const log = this.#writer && new ExchangeLog(this.#writer);
    return this.#givesIds ? new NamingExchangeObserver(log) : log;
  }

  /** The listener that `serve` makes of an application with an environ, which the access log may have to know. */
  listener(application: Application, serve: (application: Application) => RequestListener): RequestListener {
    return this.#wantsEnvirons ? rememberEnvirons(application, serve) : serve(application);
  }

  /** The same for the engine; `current` tells whose call is being made. */
  application(application: Application, current: () => HttpExchange | undefined): Application {
    return this.#wantsEnvirons ? rememberExchangeEnvirons(application, current) : application;
  }

  /** Requests will come: not before that is a file made. Again and again to no effect. */
  open(): void {
    this.#lines?.open();
  }

  /** Resolves when nothing is written to the old file any more. */
  async reopen(): Promise<void> {
    await this.#lines?.reopen();
  }

  /** Resolves when every line is written, which may be never. */
  async written(): Promise<void> {
    await this.#lines?.written();
  }

  #makeObserver(): RequestObserver | undefined {
    const log = this.#writer && new RequestLog(this.#writer);
    if (log !== undefined) this.#endUpgrades = () => log.endUpgrades();
    return this.#givesIds ? new NamingObserver(log) : log;
  }

  #openLog({ place, format }: AccessLogOrder): LineWriter {
    const file = "file" in place ? place.file : "-";
    const lines = new AccessLog(place, {
      failed: (problem) => log("warn", "access log failed", { file, error: problem }),
      recovered: (dropped) => log("warn", "access log recovered", { file, dropped }),
      lost: (dropped) => log("warn", "access log lines lost", { file, dropped }),
    });
    // However it ends, short of a kill: what is in flight has come, and what was gathered is not written yet.
    process.on("exit", () => {
      this.#connections.endAll();
      this.#endUpgrades();
      lines.writeRest();
    });
    this.#lines = lines;
    return new LineWriter(compileFormat(format, process.pid), (line) => lines.add(line));
  }
}

function asksForEnviron(format: string): boolean {
  const parts = parseAccessFormat(format);
  return parts !== "json" && parts.some((part) => "named" in part && part.named === "e");
}
