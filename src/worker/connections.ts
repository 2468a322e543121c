/**
 * Every connection of a worker and every request in flight on it. Node does not tell which sockets are silent, idle or
 * upgraded, and its own closing loses requests that are on their way: so they are counted here. On the hot path this
 * is three counters and no allocation but one listener a reply.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type net from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { serveConnection, transportOf } from "../node-handles.ts";
import type { LogFields } from "../logger.ts";
import { lingerAtClose } from "../gateway/node-lingering-close.ts";
import type { Rejection } from "../worker-stats.ts";
import { Admission } from "./admission.ts";
import type { Arrival } from "./arrivals.ts";
import { currentReply } from "./client-look.ts";
import { shortestOf } from "./client-timeouts.ts";
import { CoarseClock } from "./coarse-clock.ts";
import { type Connection, connectionOf, keepConnection, type ServerLimits } from "./connection.ts";
import { type Introductions, nameClient } from "./introductions.ts";
import { closeIfIdle } from "./idle-closing.ts";
import { holdIfLong, releaseIfShort } from "./pipelining.ts";
import {
  answerBehind,
  answerUnreadable,
  closeUnlessWhole,
  closeWith,
  refuseForNow,
  refuseForSize,
  refuseUpgrade,
} from "./refusals.ts";
import { beginReply, endReply, listRequests, repliesInFlight } from "./requests-in-flight.ts";
import type { RequestObserver } from "./request-observer.ts";
import { countBody, sizeStatus } from "./request-size.ts";
import { rejectionOf, type RequestStats } from "./request-stats.ts";
import { websocketFarewell } from "./websocket-farewell.ts";

/** HTTP/2: between the first GOAWAY and the one that names the last stream, more than a round trip (RFC 9113 section 6.8). */
const GOAWAY_PAUSE_MS = 1000;
const NO_ERROR = 0;
const LAST_STREAM = 2 ** 31 - 1;

type Emit = (this: unknown, event: string, ...args: unknown[]) => boolean;

/** A server whose connections are counted. */
interface TrackedServer {
  readonly server: Server;
  /** Undefined until it serves, and for what an application serves besides. */
  limits: ServerLimits | undefined;
  readonly observer: RequestObserver | undefined;
}

export class Connections {
  readonly #open = new Set<Connection>();
  readonly #servers = new WeakMap<Server, TrackedServer>();
  readonly clock = new CoarseClock();
  isDraining = false;
  /** Told the number of open connections whenever it changes. */
  countChanged: (count: number) => void = () => {};
  /** Told of each request, before anybody else. */
  onRequest: () => void = () => {};
  /** Told of each request that was refused because it was too large, or one too many. */
  onRefused: (why: Rejection, fields: LogFields) => void = () => {};
  readonly #admission = new Admission();
  #shortestLimitMs = Infinity;
  /** Set before the first connection, or never. */
  stats: RequestStats | undefined;
  /** Each connection has to be introduced by a proxy; undefined where none has. Set before the first, or never. */
  introductions: Introductions | undefined;
  #whenEmpty: (() => void) | undefined;
  /** The connection that is being set up in this turn comes from another worker. */
  #taking: Arrival | undefined;
  /** The connection that is being set up in this turn. */
  #arriving: Connection | undefined;
  /** Requests that have begun, upgrades among them. */
  requests = 0;
  #requestsAwaited = 0;
  #requestsReached: () => void = () => {};

  /**
   * Counts the connections and requests of `server`, whatever listeners it has, gets or loses: by what it emits. While
   * it drains, requests are handed on in the next tick: of several that came in one piece only the last may close.
   * @param observer is told of each request before anybody else
   */
  track(server: Server, observer?: RequestObserver): void {
    const tracked: TrackedServer = { server, limits: undefined, observer };
    this.#servers.set(server, tracked);
    const emitter = server as unknown as { emit: Emit };
    const { emit } = emitter;
    emitter.emit = (event, ...args) => {
      if (event === "request" || event === "checkContinue" || event === "checkExpectation") {
        const [request, response] = args as [IncomingMessage, ServerResponse];
        if (!this.#begin(request, response, event === "checkContinue")) return true;
        if (!this.isDraining) return emit.call(server, event, request, response);
        process.nextTick(() => emit.call(server, event, request, response));
        return true;
      }
      if (event === "connection") {
        const connection = this.#add(args[0] as Socket, tracked);
        const enter = (): boolean => emit.apply(server, [event, ...args]);
        return this.#isIntroduced(connection) ? enter() : this.#introduce(connection, enter);
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
    if (isTls) {
      server.prependListener("connection", () => {
        if (this.#arriving !== undefined) this.#arriving.speaks = "tls";
      });
      server.prependListener("secureConnection", (socket: TLSSocket) => this.#secured(socket));
    }
    server.prependListener("session", (session: ServerHttp2Session) => this.#multiplexed(session));
  }

  /** From here on the clients of `server`, which is tracked, are held to `limits`. */
  limit(server: Server, limits: ServerLimits): void {
    const tracked = this.#servers.get(server);
    if (tracked !== undefined) tracked.limits = limits;
    this.#shortestLimitMs = Math.min(this.#shortestLimitMs, shortestOf(limits));
  }

  isLimited(server: Server): boolean {
    return this.#servers.get(server)?.limits !== undefined;
  }

  /** The shortest of all timeouts that clients are held to. */
  get shortestLimitMs(): number {
    return this.#shortestLimitMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Calls `reached` when the `count`-th request begins; never for 0. */
  whenRequests(count: number, reached: () => void): void {
    this.#requestsAwaited = count;
    this.#requestsReached = reached;
  }

  /** How many requests are in flight, and the `limit` oldest of them. */
  inFlight(limit: number): ReturnType<typeof listRequests> {
    return listRequests(this.#open, limit);
  }

  /** Ends the replies in flight for those who observe them: the process ends. */
  endAll(): void {
    for (const connection of this.#open) endReplies(connection);
  }

  /** Every connection there is, as they came. */
  all(): Iterable<Connection> {
    return this.#open;
  }

  #count(): void {
    if (++this.requests === this.#requestsAwaited) this.#requestsReached();
  }

  /** A request has come: its reply is in flight until it closes. False: it was refused, and nobody else shall see it. */
  #begin(request: IncomingMessage, response: ServerResponse, isHeldBack: boolean): boolean {
    this.onRequest();
    const connection = connectionOf(request.socket);
    if (connection === undefined) return true;
    // One that expects something of the server, such as a 100, comes again once the application has decided.
    if (connection.newest === response || connection.heldBack === response) return true;
    if (connection.isOver) return passOver(connection);
    this.#count();
    if (this.isDraining) this.#announceClose(connection, response);
    beginReply(connection, response);
    if (connection.speaks === "http") holdIfLong(connection);
    if (isHeldBack) connection.heldBack = response;
    connection.observer?.begun(request, response, connection.newestAt);
    if (connection.meter !== undefined) this.stats?.begin(connection.meter, response, connection.newestAt);
    // A stream of HTTP/2 that has closed does not lead back to its connection.
    if (connection.speaks === "http2") response.on("close", () => replyEnded(connection, response));
    else response.on("close", endOfReply);
    return this.#admit(connection, request, response);
  }

  /** What is too large, and what comes at its limit, the worker answers by itself, and at once. */
  #admit(connection: Connection, request: IncomingMessage, response: ServerResponse): boolean {
    const { limits } = connection;
    if (limits === undefined) return true;
    const { concurrency, sizes } = limits;
    const isSized = request.httpVersionMajor === 1;
    const status = isSized ? sizeStatus(request, sizes) : undefined;
    if (status !== undefined) {
      this.#refused(status === 413 ? "body too large" : "head too large");
      refuseForSize(status, request, response);
      return false;
    }
    if (concurrency > 0 && !this.#admission.admit(connection, response, concurrency)) {
      this.#refused("too many", { limitConcurrency: concurrency });
      refuseForNow(request, response);
      return false;
    }
    if (!isSized || sizes.requestBody === 0) return true;
    const isCounted = countBody(request, sizes.requestBody, () => this.#cutBody(connection, request, response));
    if (isCounted) response.on("close", () => closeUnlessWhole(request));
    return true;
  }

  /** More of a body has come than may: whoever reads it hears that the client is gone. */
  #cutBody(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    const { observer, socket } = connection;
    this.#refused("body too large");
    const canAnswer = currentReply(connection) === response && !response.headersSent && socket.writableLength === 0;
    if (!canAnswer || !socket.writable) return void socket.destroy();
    observer?.refusing(413, socket, response);
    lingerAtClose(request);
    closeWith(413, socket);
  }

  #refused(why: Rejection, fields: LogFields = { reason: why }): void {
    this.stats?.rejected(why);
    this.onRefused(why, fields);
  }

  /** From now on each reply says `Connection: close`, those that have begun and not yet sent their head included. */
  beginDrain(): void {
    this.isDraining = true;
    const now = performance.now();
    for (const connection of this.#open) {
      connection.idleSince = now;
      if (connection.inFlight > 0 && connection.newest !== undefined)
        this.#announceClose(connection, connection.newest);
      connection.farewell?.();
    }
  }

  /** Serves on `server` an idle connection that another worker had. */
  take(server: net.Server, arrival: Arrival): void {
    this.#taking = arrival;
    this.#arriving = undefined;
    try {
      serveConnection(server, arrival.handle);
    } finally {
      this.#taking = undefined;
    }
    const connection = this.#arriving as Connection | undefined;
    if (connection !== undefined) closeUnused(connection);
  }

  destroyAll(): void {
    for (const { socket } of this.#open) socket.destroy();
  }

  /** Resolves when no connection is left. */
  async empty(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  /** Whether nobody has to say whose it is, or somebody has, to the worker that had it before. */
  #isIntroduced({ introduction, limits, transport }: Connection): boolean {
    if (introduction !== undefined) nameClient(transport, introduction);
    return this.introductions === undefined || introduction !== undefined || limits === undefined;
  }

  /** Waits for a proxy to say whose it is before anybody else hears of it. */
  #introduce(connection: Connection, enter: () => boolean): true {
    connection.speaks = "proxy";
    this.introductions?.hear(connection.transport, (introduction, length) => {
      connection.introduction = introduction;
      connection.speaks = "http";
      connection.bytesAtRest = length;
      this.#arriving = connection;
      enter();
    });
    return true;
  }

  #add(socket: Socket, { server, limits, observer }: TrackedServer): Connection {
    const connection: Connection = {
      transport: socket,
      socket,
      speaks: "http",
      inFlight: 0,
      admitted: 0,
      newest: undefined,
      newestAt: 0,
      others: undefined,
      heldBack: undefined,
      closing: undefined,
      isOver: false,
      bytesAtRest: 0,
      isRestDue: false,
      introduction: this.#taking?.introduction,
      isMoved: this.#taking !== undefined,
      isOffered: false,
      server,
      openedAt: this.clock.now,
      observer,
      limits,
      watch: undefined,
      idleSince: this.isDraining ? performance.now() : 0,
      farewell: undefined,
      meter: this.stats?.opened(socket),
      owner: this,
    };
    this.#arriving = connection;
    keepConnection(socket, connection);
    this.#open.add(connection);
    this.countChanged(this.#open.size);
    socket.on("close", () => {
      this.#open.delete(connection);
      this.countChanged(this.#open.size);
      this.#admission.gone(connection);
      endReplies(connection);
      if (connection.meter !== undefined) this.stats?.closed(connection.meter);
      if (this.#open.size === 0) this.#whenEmpty?.();
    });
    return connection;
  }

  /** False: its head was too large, which it has been told; or it comes behind the last. */
  #upgraded(request: IncomingMessage, socket: Duplex): boolean {
    const asking = connectionOf(request.socket);
    if (asking?.isOver === true) return passOver(asking);
    this.#count();
    asking?.observer?.upgraded(request, socket, performance.now());
    const sizes = asking?.limits?.sizes;
    const status = sizes && request.httpVersionMajor === 1 ? sizeStatus(request, sizes) : undefined;
    if (status !== undefined) {
      this.#refused(status === 413 ? "body too large" : "head too large");
      refuseUpgrade(status, socket);
      return false;
    }
    const connection = connectionOf(socket);
    if (connection?.meter !== undefined) this.stats?.upgraded(connection.meter);
    this.#takeOver(connection, "other", websocketFarewell(request, socket));
    return true;
  }

  /** Node's parser or one of its timeouts has ended a request, or the client has gone. */
  #failed(error: unknown, socket: Socket): void {
    const connection = connectionOf(socket);
    connection?.observer?.failed(error, socket, currentReply(connection));
    const why = rejectionOf((error as NodeJS.ErrnoException | undefined)?.code);
    if (why !== undefined) this.stats?.rejected(why);
  }

  /** The handshake is through: requests come with the encrypted socket. */
  #secured(socket: TLSSocket): void {
    const connection = connectionOf(transportOf(socket) ?? socket);
    if (connection === undefined) return;
    keepConnection(socket, connection);
    if (connection.introduction !== undefined) nameClient(socket, connection.introduction);
    connection.socket = socket;
    connection.speaks = "http";
    connection.bytesAtRest = 0;
    this.#arriving = connection;
  }

  /** HTTP/2: the session counts its streams, and knows how to leave when they are through (RFC 9113 section 6.8). */
  #multiplexed(session: ServerHttp2Session): void {
    this.#takeOver(this.#arriving, "http2", () => {
      if (session.closed || session.destroyed) return;
      // First only "no new streams, please": what is on its way then is still served.
      session.goaway(NO_ERROR, LAST_STREAM);
      setTimeout(() => session.close(), GOAWAY_PAUSE_MS).unref();
    });
  }

  /** Another protocol has the connection from here on: it is busy until it closes. */
  #takeOver(connection: Connection | undefined, speaks: "http2" | "other", farewell: (() => void) | undefined): void {
    if (connection === undefined) return;
    connection.speaks = speaks;
    connection.farewell = farewell;
    if (this.isDraining) farewell?.();
  }

  /** Of several pipelined replies only the last may close, or the others would be lost behind it. */
  #announceClose(connection: Connection, response: ServerResponse): void {
    if (connection.closing !== undefined && connection.closing !== response) connection.closing.shouldKeepAlive = true;
    connection.closing = response.shouldKeepAlive ? response : undefined;
    response.shouldKeepAlive = false;
  }
}

/** Leaves what came to go down with its connection. It takes memory until then, so nothing more is read for now. */
function passOver({ socket }: Connection): false {
  socket.pause();
  return false;
}

/** Node counts an idle connection's time from the end of a reply: here there has been none. */
function closeUnused(connection: Connection): void {
  const { keepAliveTimeout } = connection.server;
  const close = (): void => {
    if (connection.newest === undefined) closeIfIdle(connection);
  };
  if (keepAliveTimeout > 0) setTimeout(close, keepAliveTimeout).unref();
}

/** Of a reply that stands in line behind another Node does not tell that its connection has closed. */
function endReplies(connection: Connection): void {
  const { observer, meter, owner } = connection;
  if (connection.inFlight === 0 || (observer === undefined && meter === undefined)) return;
  const now = performance.now();
  for (const response of repliesInFlight(connection)) {
    observer?.ended(response, now);
    if (meter !== undefined) owner.stats?.end(meter, response, now);
  }
}

function endOfReply(this: ServerResponse): void {
  const connection = connectionOf(this.req.socket);
  if (connection !== undefined) replyEnded(connection, this);
}

function replyEnded(connection: Connection, response: ServerResponse): void {
  const { observer, meter } = connection;
  if (observer !== undefined || meter !== undefined) {
    const now = performance.now();
    observer?.ended(response, now);
    if (meter !== undefined) connection.owner.stats?.end(meter, response, now);
  }
  endReply(connection, response);
  if (connection.speaks === "http") releaseIfShort(connection);
  connection.bytesAtRest = connection.socket.bytesRead;
  connection.isRestDue = !response.req.complete;
  if (connection.owner.isDraining) connection.idleSince = performance.now();
}
