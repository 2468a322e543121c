/**
 * The HTTP/1.1 engine: connections of any `net` or `tls` server become calls of one gateway application. Knows nothing
 * of processes and opens no socket itself. One timer serves all connections, and none is set while there are none.
 */

import type { Socket } from "node:net";
import { describeError, STANDARD_ERROR } from "../gateway/error-stream.ts";
import { runApplication, type RunContext } from "../gateway/run.ts";
import { trustedPeersOf } from "../gateway/trusted-peers.ts";
import type { Application } from "../gateway/types.ts";
import { readAsStream, readInto } from "../node-sockets.ts";
import { BadRequestLog } from "./bad-request-log.ts";
import { checkApplication, checkOptions, limitsOf } from "./checked-options.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOwner } from "./connection-owner.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { EngineWatcher } from "./engine-watcher.ts";
import type { HttpExchange } from "./exchange.ts";
import { largestHead, type Limits } from "./limits.ts";
import { INPUT } from "./llhttp.ts";
import type { Refusal } from "./refusal.ts";
import type { HeadRules } from "./request-head.ts";
import { takerOf, type UpgradeTaker } from "./upgrades.ts";

export class Engine implements ConnectionOwner {
  readonly rules: HeadRules;
  readonly servesHalfClosed: boolean;
  readonly upgrades: UpgradeTaker | undefined;
  now = 1;
  isDraining = false;
  readonly #application: Application;
  readonly #context: RunContext;
  readonly #connections = new Set<Connection>();
  /** Those that have changed to another protocol. */
  readonly #upgraded = new Set<Socket>();
  readonly #badRequests: BadRequestLog;
  readonly #tickMs: number;
  readonly #watcher: EngineWatcher | undefined;
  #inFlight = 0;
  /** Idle connections are closed, as soon as their last reply has been taken. */
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;
  #tickedAt = 0;
  #whenEmpty: (() => void)[] = [];

  /** Throws a TypeError for an application or options that are none. */
  constructor(application: Application, options: EngineOptions = {}, watcher?: EngineWatcher) {
    checkApplication(application);
    checkOptions(options);
    const limits = limitsOf(options.limits);
    this.rules = {
      limits,
      largestHead: largestHead(limits),
      refusesUnderscores: options.refusesUnderscores ?? false,
      refusesHttpsTargets: options.urlScheme === undefined,
    };
    this.#application = application;
    this.servesHalfClosed = options.servesHalfClosed ?? false;
    this.upgrades = watcher?.upgrades ?? takerOf(options);
    const errors = options.errors ?? STANDARD_ERROR;
    this.#context = {
      multiprocess: options.multiprocess ?? false,
      errors,
      urlScheme: options.urlScheme,
      trustedPeers: trustedPeersOf(options.trustedPeers),
      onError: options.onError ?? ((error, request) => errors.write(describeError(error, request))),
    };
    this.#watcher = watcher;
    this.#badRequests = new BadRequestLog(options.onBadRequest);
    this.#tickMs = tickFor(limits);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#connections.size + this.#upgraded.size;
  }

  /**
   * Serves a connection that has just been accepted. Its server should have `allowHalfOpen`.
   * @param isKept it has served requests before it came here
   */
  accept(socket: Socket, isKept = false): Connection {
    const connection = new Connection(socket, this);
    connection.isKept = isKept;
    (socket as EngineSocket)[CONNECTION] = connection;
    this.#connections.add(connection);
    if (this.#connections.size === 1) this.#startClock();
    for (const [event, listener] of LISTENERS) socket.on(event, listener);
    // Of one that somebody has read from before, something may stand in its stream.
    const isFresh = socket.readableFlowing === null && socket.readableLength === 0;
    if (!isFresh || !readInto(socket, INPUT, onRead)) socket.on("data", onData);
    return connection;
  }

  begun(exchange: HttpExchange, connection: Connection): void {
    this.#inFlight++;
    this.#watcher?.begun(exchange, connection);
  }

  ended(exchange: HttpExchange, connection: Connection): void {
    this.#inFlight--;
    this.#watcher?.ended(exchange, connection);
    // The head of its reply may have gone out before, and said that the connection stays.
    if (this.#isClosing) setImmediate(closeIfIdle, connection);
  }

  serve(exchange: HttpExchange): void {
    runApplication(this.#application, exchange, this.#context);
  }

  release(connection: Connection): void {
    const { socket } = connection;
    // As of one that Node hands over: whoever takes it hears of its errors, and has to.
    for (const [event, listener] of LISTENERS) socket.off(event, listener);
    socket.off("data", onData);
    this.#upgraded.add(socket);
    socket.once("close", () => {
      this.#upgraded.delete(socket);
      this.#tellIfEmpty();
    });
    this.closed(connection);
    readAsStream(socket, INPUT);
  }

  refused(refusal: Refusal, connection: Connection): void {
    this.#badRequests.add(refusal, connection.facts);
    this.#watcher?.refused(refusal, connection);
  }

  /** A connection is gone, or nothing of it is HTTP any more. */
  closed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) clearInterval(this.#timer);
    this.#tellIfEmpty();
  }

  /** From now on every reply ends its connection, and idle connections are closed. Resolves when none is left. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.#isClosing = true;
    for (const connection of this.#connections) closeIfIdle(connection);
    if (this.size === 0) return;
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  destroyAll(): void {
    for (const { socket } of this.#connections) socket.destroy();
    for (const socket of this.#upgraded) socket.destroy();
  }

  #tellIfEmpty(): void {
    if (this.size === 0) for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  #startClock(): void {
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  /** Time in which this process stood still is not held against clients. */
  #tick(): void {
    const at = performance.now();
    this.now += Math.min(at - this.#tickedAt, 2 * this.#tickMs);
    this.#tickedAt = at;
    for (const connection of this.#connections) {
      connection.patience.judge(connection, this.now, this.#tickMs);
      if (this.#isClosing) closeIfIdle(connection);
    }
  }
}

type EngineSocket = Socket & { [CONNECTION]?: Connection };

function connectionOf(socket: Socket): Connection {
  return (socket as EngineSocket)[CONNECTION] as Connection;
}

function closeIfIdle(connection: Connection): void {
  if (connection.isIdle && !connection.hasUnsent && !connection.isClosed) connection.closeUnlessRead();
}

function onRead(this: Socket, bytes: number): void {
  connectionOf(this).consume(bytes);
}

function onData(this: Socket, bytes: Buffer): void {
  connectionOf(this).take(bytes);
}

function onEnd(this: Socket): void {
  connectionOf(this).ended();
}

function onClose(this: Socket): void {
  const connection = connectionOf(this);
  connection.closed();
  (connection.owner as Engine).closed(connection);
}

function onDrain(this: Socket): void {
  connectionOf(this).drained();
}

/** What breaks a connection is told by its `close`. */
function ignore(): void {}

/** What every connection listens to. */
const LISTENERS = [
  ["error", ignore],
  ["end", onEnd],
  ["close", onClose],
  ["drain", onDrain],
] as const;

/** Fine enough for the shortest limit, and no finer than a twentieth of a second for long ones. */
function tickFor({ keepAliveMs, headersMs, bodyMs, sendMs, responseMs }: Limits): number {
  const shortest = Math.min(...[keepAliveMs, headersMs, bodyMs, sendMs, responseMs].filter((ms) => ms > 0));
  return Math.max(SHORTEST_TICK_MS, Math.min(LONGEST_TICK_MS, shortest / 10));
}

const SHORTEST_TICK_MS = 10;
const LONGEST_TICK_MS = 500;
const CONNECTION: unique symbol = Symbol("tsgate.http.connection") as never;
