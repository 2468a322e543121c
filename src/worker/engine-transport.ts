/**
 * The HTTP engine on the master's sockets: one engine a worker, one server a socket. Follows what becomes of requests and
 * tells those who count, name and write them down; timeouts but that of idle connections are the worker's own.
 */

import net from "node:net";
import { AddressList } from "../address-list.ts";
import type { Connection as Served } from "../http/connection.ts";
import { Engine } from "../http/engine.ts";
import type { EngineWatcher } from "../http/engine-watcher.ts";
import type { HttpExchange } from "../http/exchange.ts";
import type { Refusal } from "../http/refusal.ts";
import type { UpgradeTaker } from "../http/upgrades.ts";
import type { BootOrder } from "../boot-order.ts";
import { statusOfHead } from "../node-http.ts";
import type { Rejection } from "../worker-stats.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import { logApplicationError } from "./application-error-log.ts";
import type { Applications, MountedApplication } from "./applications.ts";
import type { Clientele } from "./clientele.ts";
import type { ServerLimits } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { engineApplication } from "./engine-application.ts";
import { EngineConnection } from "./engine-connection.ts";
import type { ExchangeObserver } from "./exchange-observer.ts";
import { EngineUpgrades } from "./engine-upgrades.ts";
import { holdWithin, serverLimits } from "./server-limits.ts";
import { logFileError } from "./static-files.ts";

export class EngineTransport implements EngineWatcher {
  readonly #connections: Connections;
  readonly #clientele: Clientele;
  readonly #engine: Engine;
  readonly #limits: ServerLimits;
  readonly #observer: ExchangeObserver | undefined;
  readonly upgrades: UpgradeTaker | undefined;
  /** The request that came last: while its application is called, whose call that is. */
  #current: HttpExchange | undefined;

  constructor(applications: Applications, order: BootOrder, clientele: Clientele, requests: RequestWatch) {
    const { connections } = clientele;
    const { stats } = connections;
    this.#connections = connections;
    this.#clientele = clientele;
    this.#limits = serverLimits(order);
    this.#observer = requests.exchangeObserver();
    if (applications.all.some(takesUpgrades)) {
      const upgrades = new EngineUpgrades(applications, order, connections, requests.observer);
      this.upgrades = (head, served) => upgrades.takerOf(head, served);
    }
    const application = engineApplication(applications, {
      requests,
      current: () => this.#current,
      chosen: stats && ((exchange, mount) => stats.chosen(exchange, mount)),
    });
    this.#engine = new Engine(application, engineOptions(order), this);
    connections.limited(this.#limits);
  }

  /** Makes a server for one socket; it does not listen yet. */
  createServer(): net.Server {
    const server: net.Server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const connections = this.#connections;
      const origin = connections.originOf(server, socket, this.#limits);
      const connection = new EngineConnection(socket, origin, this.#engine, this);
      if (connections.isDraining) this.#engine.isDraining = true;
      connections.add(connection, () => {
        connection.serve();
        return true;
      });
    });
    return holdWithin(this.#clientele, server, () => undefined);
  }

  begun(exchange: HttpExchange, served: Served): void {
    const connections = this.#connections;
    connections.onRequest();
    this.#current = exchange;
    const at = performance.now();
    exchange.watchedSince = at;
    if (exchange.unread === undefined) {
      connections.count();
      const { meter } = served.view as EngineConnection;
      if (meter !== undefined) connections.stats?.begin(meter, exchange, at);
    }
    this.#observer?.begun(exchange, at);
  }

  ended(exchange: HttpExchange, served: Served): void {
    const { isDraining, stats } = this.#connections;
    if (this.#observer === undefined && stats === undefined && !isDraining) return;
    const connection = served.view as EngineConnection;
    if (isDraining) connection.idleSince = performance.now();
    const isCut = !exchange.isWhole || served.isClosed || served.socket.destroyed;
    if (!isCut && served.hasUnsent) this.#follow(exchange, connection);
    else this.#end(exchange, connection, isCut);
  }

  refused({ status, reason: found }: Refusal, { facts: { remoteAddress: client } }: Served): void {
    // Who was too slow is told by whoever cuts.
    if (status === 408) return;
    const why = REJECTIONS[status] ?? "malformed";
    if (why === "too many") this.#connections.refused(why, { limitConcurrency: this.#limits.concurrency });
    else if (why === "malformed") this.#connections.refused(why, { reason: why, found }, { client });
    else this.#connections.refused(why);
  }

  /** The client will never have the reply. */
  cut(exchange: HttpExchange, connection: EngineConnection): void {
    this.#end(exchange, connection, true);
  }

  /** The reply has ended when its client's side of the kernel has taken it. */
  #follow(exchange: HttpExchange, connection: EngineConnection): void {
    connection.follow(exchange);
    const { socket } = connection;
    socket.write("", () => {
      if (!connection.followed(exchange)) return;
      if (this.#connections.isDraining) connection.idleSince = performance.now();
      // Of a write that failed because the one before did Node does not say so.
      this.#end(exchange, connection, socket.errored !== null || socket.destroyed);
    });
  }

  #end(exchange: HttpExchange, { meter }: EngineConnection, isCut: boolean): void {
    if (exchange.watchedSince < 0) return;
    const at = performance.now();
    this.#observer?.ended(exchange, at, isCut);
    exchange.watchedSince = -1;
    const sent = exchange.sentHead === "" ? undefined : statusOfHead(exchange.sentHead);
    if (meter !== undefined) this.#connections.stats?.end(meter, exchange, sent, at);
  }
}

function engineOptions(order: BootOrder): ConstructorParameters<typeof Engine>[1] {
  const { clients, multiprocess, refusesUnderscores } = order;
  return {
    multiprocess,
    refusesUnderscores,
    trustedPeers: new AddressList(order.forwardedAllowIps),
    onError: (error, request) => logFileError(error, request) || logApplicationError(error, request),
    limits: {
      ...clients.sizes,
      concurrency: clients.limitConcurrency,
      keepAliveMs: order.keepAliveMs,
      // These are judged by `client-sweep.ts`, which also asks the kernel what a slow reader has taken.
      headersMs: 0,
      bodyMs: 0,
      sendMs: 0,
      responseMs: 0,
    },
  };
}

function takesUpgrades({ value }: MountedApplication): boolean {
  return value.interface !== "server" && value.upgrade !== undefined;
}

const REJECTIONS: Readonly<Record<number, Rejection>> = {
  413: "body too large",
  414: "head too large",
  431: "head too large",
  503: "too many",
};
