/**
 * How a worker takes connections in: its acceptor, what it tells the master of its load, and the master's orders about
 * both. Knows no drain and no request.
 */

import type { Server } from "node:http";
import type net from "node:net";
import type { BootOrder } from "../boot-order.ts";
import type { ListenerInfo, Order } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import type { WorkerLoad } from "../worker-load.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import { Acceptor } from "./acceptor.ts";
import type { Applications } from "./applications.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { log, report } from "./channel.ts";
import type { Clientele } from "./clientele.ts";
import type { Connections } from "./connections.ts";
import type { EngineTransport } from "./engine-transport.ts";
import { canTakeOver } from "./handover.ts";
import { createServer } from "./http-server.ts";
import { LoadReports } from "./load-reports.ts";

type Held = Extract<Order, { tsgate: "hold-connection" }>;

export class Reception {
  readonly arrivals = new Arrivals(
    (arrival) => this.#serve(arrival),
    () => this.#counted(),
  );
  readonly #acceptor: Acceptor;
  readonly #loads: LoadReports;
  readonly #connections: Connections;
  /** The server that a program has made itself. */
  readonly #program: Server | undefined;
  /** Serves in the place of `node:http`. */
  readonly #engine: EngineTransport | undefined;
  #isLeaving = false;

  constructor(
    applications: Applications,
    order: BootOrder,
    clientele: Clientele,
    requests: RequestWatch,
    engine?: EngineTransport,
  ) {
    const { connections } = clientele;
    this.#connections = connections;
    this.#program = applications.program?.server;
    this.#engine = engine;
    this.#acceptor = new Acceptor({
      createServer: () => engine?.createServer() ?? createServer(applications, order, clientele, requests),
      backlog: order.backlog,
      limit: order.workerConnections,
      connectionCount: () => this.#size,
      askForSockets: () => report({ tsgate: "sockets-wanted" }),
      changed: () => this.#loads.tell(),
      warn: () => log("warn", "connection limit reached", { connections: connections.size }),
    });
    this.#loads = new LoadReports({
      admission: () => ({ isAccepting: this.#acceptor.isAccepting, isFull: this.#acceptor.isFull }),
      tell: (load) => report({ tsgate: "load-changed", load }),
    });
    connections.countChanged = () => this.#counted();
  }

  get servers(): readonly net.Server[] {
    return this.#acceptor.servers;
  }

  /** Takes a copy of a socket; resolves with true when it listens on each. Rejects when it cannot listen. */
  async take(listener: ListenerInfo, handle: RawHandle | undefined): Promise<boolean> {
    return this.#acceptor.take(listener, handle);
  }

  /** Holds an idle connection that another worker leaves; false when it could not serve it. */
  hold({ move, introduction }: Pick<Held, "move" | "introduction">, handle: RawHandle | undefined): boolean {
    const [server] = this.servers;
    const isAble = this.#engine === undefined ? canTakeOver(this.#program ?? server) : server !== undefined;
    const canServe = isAble && !this.#isLeaving && !this.#acceptor.isFull;
    if (handle === undefined || !canServe) {
      handle?.close();
      return false;
    }
    this.arrivals.hold(move, { handle, introduction });
    this.#counted();
    return true;
  }

  /** Connections, and those that are about to come from other workers. */
  get #size(): number {
    return this.#connections.size + this.arrivals.size;
  }

  #counted(): void {
    const size = this.#size;
    this.#acceptor.countChanged(size);
    this.#loads.countChanged(size);
  }

  #serve(arrival: Arrival): void {
    const [server] = this.servers;
    if (server !== undefined) return this.#connections.take(server, arrival);
    arrival.handle.close();
    this.#counted();
  }

  obey(order: Extract<Order, { tsgate: "pause" | "resume" | "report-load" }>): void {
    switch (order.tsgate) {
      case "pause":
        return this.#acceptor.pause();
      case "resume":
        return this.#acceptor.resume();
      case "report-load":
        if (order.isWanted) this.#acceptor.prepare();
        return this.#loads.want(order.isWanted);
    }
  }

  /** The application has no time for another request at the moment, or has again. */
  busy(isBusy: boolean): void {
    this.#acceptor.busy(isBusy);
  }

  load(): WorkerLoad {
    return this.#loads.take();
  }

  /** The worker leaves; `wholeServer`: nobody else will take what waits to be accepted. */
  leave(wholeServer: boolean): void {
    this.#isLeaving = true;
    this.#loads.want(false);
    this.#acceptor.leave({ wholeServer });
  }
}
