/**
 * Servers of `node:http` whose connections are counted, whatever listeners they have, get or lose: by what they emit.
 * On the hot path this is three counters and no allocation but one listener a reply.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { statusSent } from "../node-http.ts";
import { currentReply } from "./client-look.ts";
import { closeIfIdle } from "./close-unless-read.ts";
import type { ServerLimits } from "./connection.ts";
import { connectionOf, keepConnection } from "./connection-slot.ts";
import type { Connections } from "./connections.ts";
import { HttpConnection } from "./http-connection.ts";
import { followLayers } from "./http-layers.ts";
import { holdIfLong, releaseIfShort } from "./pipelining.ts";
import { answerBehind, answerUnreadable } from "./refusals.ts";
import { RequestGate } from "./request-gate.ts";
import { beginReply, endReply } from "./requests-in-flight.ts";
import type { RequestObserver } from "./request-observer.ts";
import { rejectionOf, type RequestStats } from "./request-stats.ts";
import { websocketFarewell } from "./websocket-farewell.ts";

type Emit = (this: unknown, event: string, ...args: unknown[]) => boolean;

/** A server whose connections are counted. */
interface TrackedServer {
  readonly server: Server;
  /** Undefined until it serves, and for what an application serves besides. */
  limits: ServerLimits | undefined;
  readonly observer: RequestObserver | undefined;
}

export class HttpTracking {
  readonly #connections: Connections;
  readonly #gate: RequestGate;
  readonly #servers = new WeakMap<Server, TrackedServer>();

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#gate = new RequestGate(connections);
  }

  get isDraining(): boolean {
    return this.#connections.isDraining;
  }

  get stats(): RequestStats | undefined {
    return this.#connections.stats;
  }

  /**
   * Counts the connections and requests of `server`. While it drains, requests are handed on in the next tick: of
   * several that came in one piece only the last may close.
   * @param observer is told of each request before anybody else
   */
  track(server: Server, observer?: RequestObserver): void {
    const tracked: TrackedServer = { server, limits: undefined, observer };
    this.#servers.set(server, tracked);
    const connections = this.#connections;
    const emitter = server as unknown as { emit: Emit };
    const { emit } = emitter;
    emitter.emit = (event, ...args) => {
      if (event === "request" || event === "checkContinue" || event === "checkExpectation") {
        const [request, response] = args as [IncomingMessage, ServerResponse];
        if (!this.#begin(request, response, event === "checkContinue")) return true;
        if (!connections.isDraining) return emit.call(server, event, request, response);
        process.nextTick(() => emit.call(server, event, request, response));
        return true;
      }
      if (event === "connection") {
        return this.#add(args[0] as Socket, tracked, () => emit.apply(server, [event, ...args]));
      }
      if (event === "upgrade" || event === "connect") {
        const isTaken = this.#upgraded(args[0] as IncomingMessage, args[1] as Duplex);
        return isTaken ? emit.apply(server, [event, ...args]) : true;
      }
      if (event !== "clientError") return emit.apply(server, [event, ...args]);
      const [error, socket] = args as [unknown, Socket];
      const isOurs = tracked.limits !== undefined && server.listenerCount(event) === 0;
      if (isOurs && answerBehind(error, socket, () => this.#failed(error, socket))) return true;
      this.#failed(error, socket);
      if (emit.apply(server, [event, ...args])) return true;
      // Nobody else answers: Node would, and reset the connection, which takes away what it has answered.
      return isOurs && answerUnreadable(error, socket);
    };
  }

  /** The same for a server that encrypts by itself, or speaks HTTP/2. */
  trackLayers(server: Server, { isTls }: { readonly isTls: boolean }, observer?: RequestObserver): void {
    this.track(server, observer);
    followLayers(server, this.#connections, { isTls });
  }

  /** From here on the clients of `server`, which is tracked, are held to `limits`. */
  limit(server: Server, limits: ServerLimits): void {
    const tracked = this.#servers.get(server);
    if (tracked !== undefined) tracked.limits = limits;
    this.#connections.limited(limits);
  }

  isLimited(server: Server): boolean {
    return this.#servers.get(server)?.limits !== undefined;
  }

  #add(socket: Socket, { server, limits, observer }: TrackedServer, enter: () => boolean): boolean {
    const connection = new HttpConnection(socket, this.#connections.originOf(server, socket, limits), this, observer);
    keepConnection(socket, connection);
    socket.on("close", () => this.#gate.gone(connection));
    const isTaken = this.#connections.add(connection, enter);
    if (connection.isMoved) closeUnused(connection, server);
    return isTaken;
  }

  /** A request has come: its reply is in flight until it closes. False: it was refused, and nobody else shall see it. */
  #begin(request: IncomingMessage, response: ServerResponse, isHeldBack: boolean): boolean {
    this.#connections.onRequest();
    const connection = connectionOf(request.socket);
    if (connection === undefined) return true;
    // One that expects something of the server, such as a 100, comes again once the application has decided.
    if (connection.newest === response || connection.heldBack === response) return true;
    if (connection.isOver) return passOver(connection);
    this.#connections.count();
    if (this.#connections.isDraining) connection.announceClose(response);
    beginReply(connection, response);
    connection.isUsed = true;
    if (connection.speaks === "http") holdIfLong(connection);
    if (isHeldBack) connection.heldBack = response;
    connection.observer?.begun(request, response, connection.newestAt);
    if (connection.meter !== undefined) this.stats?.begin(connection.meter, response, connection.newestAt);
    // A stream of HTTP/2 that has closed does not lead back to its connection.
    if (connection.speaks === "http2") response.on("close", () => replyEnded(connection, response));
    else response.on("close", endOfReply);
    return this.#gate.admits(connection, request, response);
  }

  /** False: its head was too large, which it has been told; or it comes behind the last. */
  #upgraded(request: IncomingMessage, socket: Duplex): boolean {
    const asking = connectionOf(request.socket);
    if (asking?.isOver === true) return passOver(asking);
    this.#connections.count();
    asking?.observer?.upgraded(request, socket, performance.now());
    if (asking !== undefined && !this.#gate.admitsUpgrade(asking, request, socket)) return false;
    const connection = connectionOf(socket);
    if (connection?.meter !== undefined) this.stats?.upgraded(connection.meter);
    connection?.takenOver("other", websocketFarewell(request, socket));
    return true;
  }

  /** Node's parser or one of its timeouts has ended a request, or the client has gone. */
  #failed(error: unknown, socket: Socket): void {
    const connection = connectionOf(socket);
    connection?.observer?.failed(error, socket, currentReply(connection));
    const why = rejectionOf((error as NodeJS.ErrnoException | undefined)?.code);
    if (why !== undefined) this.stats?.rejected(why);
  }
}

/** Leaves what came to go down with its connection. It takes memory until then, so nothing more is read for now. */
function passOver({ socket }: HttpConnection): false {
  socket.pause();
  return false;
}

/** Node counts an idle connection's time from the end of a reply: on one that has moved there has been none. */
function closeUnused(connection: HttpConnection, { keepAliveTimeout }: Server): void {
  const close = (): void => {
    if (!connection.isUsed) closeIfIdle(connection);
  };
  if (keepAliveTimeout > 0) setTimeout(close, keepAliveTimeout).unref();
}

function endOfReply(this: ServerResponse): void {
  const connection = connectionOf(this.req.socket);
  if (connection !== undefined) replyEnded(connection, this);
}

function replyEnded(connection: HttpConnection, response: ServerResponse): void {
  const { observer, meter, owner } = connection;
  if (observer !== undefined || meter !== undefined) {
    const now = performance.now();
    observer?.ended(response, now);
    if (meter !== undefined) owner.stats?.end(meter, response, statusSent(response), now);
  }
  endReply(connection, response);
  if (connection.newest === undefined) connection.heldBack = undefined;
  if (connection.speaks === "http") releaseIfShort(connection);
  connection.bytesAtRest = connection.socket.bytesRead;
  connection.isRestDue = !response.req.complete;
  if (owner.isDraining) connection.idleSince = performance.now();
}
