/**
 * Every connection of a worker and every request in flight on it. Node does not tell which sockets are silent, idle or
 * upgraded, and its own closing loses requests that are on their way: so they are counted here. On the hot path this
 * is three counters and no allocation but one listener a reply.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { readOrClose, transportOf } from "../node-handles.ts";
import { beginReply, endReply, type Flight, listRequests } from "./requests-in-flight.ts";
import { websocketFarewell } from "./websocket-farewell.ts";

interface Connection extends Flight {
  /** What HTTP is spoken over: on TLS the encrypted socket, once there is one. */
  socket: Socket;
  /** The reply that was told to close the connection though its client would have kept it. */
  closing: ServerResponse | undefined;
  /** What had been read when it was last idle: more than that without a request is the beginning of one. */
  bytesAtRest: number;
  /** When its last reply ended, if that was during a drain; the drain's beginning for one that was idle then. */
  idleSince: number;
  /** It speaks another protocol, or its TLS handshake is not through: busy until it closes, or is. */
  isBusy: boolean;
  /** Tells the client, in the words of that protocol, that the server goes away. */
  farewell: (() => void) | undefined;
  readonly owner: Connections;
}

/** Where a socket keeps its connection: looked up twice a request. */
const CONNECTION: unique symbol = Symbol("tsgate.connection");

interface Tracked {
  [CONNECTION]?: Connection;
}

function connectionOf(socket: Duplex): Connection | undefined {
  return (socket as Tracked)[CONNECTION];
}

/**
 * Sockets are closed a few at a time, with a pause between: a process that has just slept is not interrupted between
 * the look for a request that has come and the close, which on a busy machine takes as long as others then run.
 */
const CLOSING_TURNS = 250;
const PAUSE_MS = 1;

/** HTTP/2: between the first GOAWAY and the one that names the last stream, more than a round trip (RFC 9113 section 6.8). */
const GOAWAY_PAUSE_MS = 1000;
const NO_ERROR = 0;
const LAST_STREAM = 2 ** 31 - 1;

type Emit = (this: unknown, event: string, ...args: unknown[]) => boolean;

export class Connections {
  readonly #open = new Set<Connection>();
  isDraining = false;
  /** Told the number of open connections whenever it changes. */
  countChanged: (count: number) => void = () => {};
  #isClosing = false;
  #whenEmpty: (() => void) | undefined;
  /** The connection that is being set up in this turn. */
  #arriving: Connection | undefined;
  /** Requests that have begun, upgrades among them. */
  requests = 0;
  #requestsAwaited = 0;
  #requestsReached: () => void = () => {};

  /**
   * Counts the connections and requests of `server`, whatever listeners it has, gets or loses: by what it emits. While
   * it drains, requests are handed on in the next tick: of several that came in one piece only the last may close.
   */
  track(server: Server): void {
    const emitter = server as unknown as { emit: Emit };
    const { emit } = emitter;
    emitter.emit = (event, ...args) => {
      if (event === "request" || event === "checkContinue" || event === "checkExpectation") {
        const [request, response] = args as [IncomingMessage, ServerResponse];
        this.#begin(request, response);
        if (!this.isDraining) return emit.call(server, event, request, response);
        process.nextTick(() => emit.call(server, event, request, response));
        return true;
      }
      if (event === "connection") this.#add(args[0] as Socket);
      else if (event === "upgrade" || event === "connect")
        this.#upgraded(args[0] as IncomingMessage, args[1] as Duplex);
      return emit.apply(server, [event, ...args]);
    };
  }

  /** The same for a server that encrypts by itself, or speaks HTTP/2. */
  trackLayers(server: Server, { isTls }: { readonly isTls: boolean }): void {
    this.track(server);
    if (isTls) {
      server.prependListener("connection", () => {
        if (this.#arriving !== undefined) this.#arriving.isBusy = true;
      });
      server.prependListener("secureConnection", (socket: TLSSocket) => this.#secured(socket));
    }
    server.prependListener("session", (session: ServerHttp2Session) => this.#multiplexed(session));
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

  #count(): void {
    if (++this.requests === this.#requestsAwaited) this.#requestsReached();
  }

  /** A request has come: its reply is in flight until it closes. */
  #begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = connectionOf(request.socket);
    if (connection === undefined) return;
    // One that expects a 100 comes twice.
    if (connection.newest !== response) this.#count();
    if (this.isDraining) this.#announceClose(connection, response);
    beginReply(connection, response);
    response.on("close", endOfReply);
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

  /** Closes the connections that have been idle for `lingerMs`, a few each turn, and none on which a request has begun to arrive. */
  closeIdle(lingerMs: number): void {
    if (this.#isClosing) return;
    const now = performance.now();
    const idle = [...this.#open].filter((connection) => isIdle(connection) && now - connection.idleSince >= lingerMs);
    const closesATurn = Math.ceil(idle.length / CLOSING_TURNS);
    const closeSome = (): void => {
      for (const connection of idle.splice(0, closesATurn)) if (isIdle(connection)) closeUnlessRead(connection.socket);
      this.#isClosing = idle.length > 0;
      if (this.#isClosing) setTimeout(setImmediate, PAUSE_MS, closeSome);
    };
    // The immediate runs right after a poll: what lay in the kernel has been read, and made its connection busy.
    this.#isClosing = true;
    setImmediate(closeSome);
  }

  destroyAll(): void {
    for (const { socket } of this.#open) socket.destroy();
  }

  /** Resolves when no connection is left. */
  async empty(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  #add(socket: Socket): void {
    const connection: Connection = {
      socket,
      inFlight: 0,
      newest: undefined,
      newestAt: 0,
      others: undefined,
      closing: undefined,
      bytesAtRest: 0,
      idleSince: this.isDraining ? performance.now() : 0,
      isBusy: false,
      farewell: undefined,
      owner: this,
    };
    this.#arriving = connection;
    (socket as Tracked)[CONNECTION] = connection;
    this.#open.add(connection);
    this.countChanged(this.#open.size);
    socket.on("close", () => {
      this.#open.delete(connection);
      this.countChanged(this.#open.size);
      if (this.#open.size === 0) this.#whenEmpty?.();
    });
  }

  #upgraded(request: IncomingMessage, socket: Duplex): void {
    this.#count();
    this.#takeOver(connectionOf(socket), websocketFarewell(request, socket));
  }

  /** The handshake is through: requests come with the encrypted socket. */
  #secured(socket: TLSSocket): void {
    const connection = connectionOf(transportOf(socket) ?? socket);
    if (connection === undefined) return;
    (socket as Tracked)[CONNECTION] = connection;
    connection.socket = socket;
    connection.isBusy = false;
    this.#arriving = connection;
  }

  /** HTTP/2: the session counts its streams, and knows how to leave when they are through (RFC 9113 section 6.8). */
  #multiplexed(session: ServerHttp2Session): void {
    this.#takeOver(this.#arriving, () => {
      if (session.closed || session.destroyed) return;
      // First only "no new streams, please": what is on its way then is still served.
      session.goaway(NO_ERROR, LAST_STREAM);
      setTimeout(() => session.close(), GOAWAY_PAUSE_MS).unref();
    });
  }

  /** Another protocol has the connection from here on. */
  #takeOver(connection: Connection | undefined, farewell: (() => void) | undefined): void {
    if (connection === undefined) return;
    connection.isBusy = true;
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

function endOfReply(this: ServerResponse): void {
  const connection = connectionOf(this.req.socket);
  if (connection === undefined) return;
  endReply(connection, this);
  connection.bytesAtRest = connection.socket.bytesRead;
  if (connection.owner.isDraining) connection.idleSince = performance.now();
}

function isIdle({ socket, inFlight, bytesAtRest, isBusy }: Connection): boolean {
  return inFlight === 0 && !isBusy && socket.bytesRead <= bytesAtRest && !socket.destroyed;
}

/**
 * Closes the connection, unless a request has come that the event loop has not seen: then that is served. It is closed
 * both ways at once: what comes after our FIN is refused by the kernel, not read and left without an answer.
 */
function closeUnlessRead(socket: Socket): void {
  const unread = readOrClose(socket);
  if (unread !== undefined) socket.emit("data", unread);
}
