/**
 * The transport of this version: `node:http` on the master's sockets, one server a socket, all with the application's
 * one listener; or with the program's own server behind them. An error that the listener throws or rejects with is that
 * request's alone. Node's own timeouts are out of force: clients are judged in `client-sweep.ts`.
 */

import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { reportError } from "../errors.ts";
import { expectContinue, type NodeListenerOptions, type RequestName, toNodeListener } from "../gateway/index.ts";
import type { BootOrder, ListenerInfo } from "../messages.ts";
import { listenOnHandle, type RawHandle } from "../node-handles.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import { log } from "./channel.ts";
import type { Clientele } from "./clientele.ts";
import type { ServerLimits } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { HeldServer } from "./held-server.ts";
import { isTlsServer } from "./listen-capture.ts";
import type { RequestObserver } from "./request-observer.ts";
import type { LoadedApplication, ServerApplication, UpgradeListener } from "./load-application.ts";

/** Makes a server for one socket; it does not listen yet. */
export function createServer(
  app: LoadedApplication,
  order: BootOrder,
  clientele: Clientele,
  requests: RequestWatch,
): net.Server {
  const { connections } = clientele;
  if (app.interface === "server") {
    const { server } = app.held;
    setKeepAlive(app.held, order);
    if (!connections.isLimited(server)) connections.limit(server, takeTimeouts(server, order));
    return holdWithin(clientele, createFront(server), () => server.maxConnections);
  }
  const server = http.createServer({ keepAliveTimeout: order.keepAliveMs, ...NO_TIMEOUTS });
  connections.track(server, requests.observer);
  connections.limit(server, serverLimits(order));
  server.on("request", requestListener(app, order, requests));
  if (app.interface !== "node") {
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      expectContinue(request, response);
      server.emit("request", request, response);
    });
  }
  const { upgrade } = app;
  if (upgrade !== undefined) {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      guardedUpgrade(upgrade, request, socket, head),
    );
  }
  return holdWithin(clientele, server, () => undefined);
}

/** Takes on the server of a program: its connections are counted. */
export function adoptServer({ server }: HeldServer, connections: Connections, observer?: RequestObserver): void {
  const isTls = isTlsServer(server);
  if (isTls || !(server instanceof http.Server)) connections.trackLayers(server, { isTls }, observer);
  else connections.track(server, observer);
}

/** Not before it serves: programs set theirs when they are told that they listen. */
function setKeepAlive({ server }: HeldServer, order: BootOrder): void {
  const isUsual = server.keepAliveTimeout === new http.Server().keepAliveTimeout;
  if (order.isKeepAliveGiven || isUsual) server.keepAliveTimeout = order.keepAliveMs;
}

/** Node would look at its connections every so often, only to find nothing to do. */
const NO_TIMEOUTS = { headersTimeout: 0, requestTimeout: 0, connectionsCheckingInterval: 2 ** 31 - 1 };

function serverLimits({ clients }: BootOrder): ServerLimits {
  return {
    headersMs: clients.headersTimeoutMs,
    bodyMs: clients.bodyTimeoutMs,
    sendMs: clients.sendTimeoutMs,
    responseMs: clients.responseTimeoutMs,
    concurrency: clients.limitConcurrency,
  };
}

/**
 * Puts our timeouts in the place of Node's on a program's server. One that the program has set itself stays, and Node
 * judges by it: its `requestTimeout` in the place of our body timeout.
 */
function takeTimeouts(server: Server, order: BootOrder): ServerLimits {
  const limits = serverLimits(order);
  const { isHeadersTimeoutGiven, isBodyTimeoutGiven } = order.clients;
  const usual = new http.Server();
  const isHeadersOurs = isHeadersTimeoutGiven || isUnset(server.headersTimeout, usual.headersTimeout);
  const isBodyOurs = isBodyTimeoutGiven || isUnset(server.requestTimeout, usual.requestTimeout);
  // Node would count the time in which the worker itself stood still.
  if (isHeadersOurs) server.headersTimeout = 0;
  if (isBodyOurs) server.requestTimeout = 0;
  return {
    ...limits,
    headersMs: isHeadersOurs ? limits.headersMs : server.headersTimeout,
    bodyMs: isBodyOurs ? limits.bodyMs : 0,
  };
}

/** Servers of HTTP/2 alone have no such timeout. */
function isUnset(value: number | undefined, usual: number): boolean {
  return value === undefined || value === usual;
}

/** Turns connections away while the process has no descriptors for them, or more than `own` says are open. */
function holdWithin({ descriptors }: Clientele, server: net.Server, own: () => number | undefined): net.Server {
  // Node closes what comes while there are more than this: which -1 makes always so, and 0 never on Node 20.
  Object.defineProperty(server, "maxConnections", { get: () => (descriptors.isFull ? -1 : own()) });
  return server.on("drop", () => {
    if (descriptors.isFull) descriptors.turnedAway();
  });
}

/** Accepts on one socket for the server of a program, which may have several sockets, or encrypt by itself. */
function createFront(server: Server): net.Server {
  const { allowHalfOpen, highWaterMark, keepAlive, keepAliveInitialDelay, noDelay, pauseOnConnect } =
    server as unknown as net.ServerOpts & { highWaterMark?: number };
  const options = { allowHalfOpen, highWaterMark, keepAlive, keepAliveInitialDelay, noDelay, pauseOnConnect };
  const front = net.createServer(options as net.ServerOpts, (socket) => server.emit("connection", socket));
  return front.on("drop", (data) => server.emit("drop", data));
}

/** Listens on the master's socket. Rejects with the system's error when that cannot be. */
export async function listen(
  server: net.Server,
  { isUnix }: ListenerInfo,
  handle: RawHandle,
  backlog: number,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      // When it listens again, after a pause, Node would begin anew to count down to its next look at slow clients.
      server.removeAllListeners("listening");
      server.on("error", (error) => log("error", "listening socket failed", { isUnix, error: reportError(error) }));
      resolve();
    });
    listenOnHandle(server, handle, backlog);
  });
}

function requestListener(
  app: Exclude<LoadedApplication, ServerApplication>,
  order: BootOrder,
  requests: RequestWatch,
): RequestListener {
  if (app.interface === "node") return guarded(app.listener);
  const options: NodeListenerOptions = { multiprocess: order.multiprocess, onError: logApplicationError };
  return requests.listener(app.application, (application) => toNodeListener(application, options));
}

/** Answers 500, or cuts a reply that has begun, where the application throws or rejects. */
function guarded(listener: RequestListener): RequestListener {
  return (request, response) => {
    try {
      const outcome: unknown = listener(request, response);
      if (typeof outcome !== "object" || outcome === null) return;
      const refuse = (result: unknown): void => {
        if (isResponse(result) && !response.headersSent)
          failRequest(new TypeError(RETURNS_RESPONSE), request, response);
      };
      if (outcome instanceof Promise) outcome.then(refuse, (error: unknown) => failRequest(error, request, response));
      else refuse(outcome);
    } catch (error) {
      failRequest(error, request, response);
    }
  };
}

/** What a fetch handler returns; here nobody would send it. */
function isResponse(value: unknown): boolean {
  const { status, arrayBuffer } = (value ?? {}) as Partial<Response>;
  return typeof status === "number" && typeof arrayBuffer === "function";
}

const RETURNS_RESPONSE =
  "the (req, res) function returned a Response, which nobody sends: export { fetch }, or add --interface fetch";

/** A socket whose upgrade failed is of no use to anybody. */
function guardedUpgrade(upgrade: UpgradeListener, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const fail = (error: unknown): void => {
    logApplicationError(error, nameOf(request));
    socket.destroy();
  };
  try {
    const outcome: unknown = upgrade(request, socket, head);
    if (outcome instanceof Promise) outcome.catch(fail);
  } catch (error) {
    fail(error);
  }
}

function nameOf({ method = "", url = "", headers }: IncomingMessage): RequestName {
  return { method, path: url.split("?", 1)[0] ?? "", id: saneRequestId(headers[REQUEST_ID_HEADER]) };
}

function failRequest(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  logApplicationError(error, nameOf(request));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // But its id, by which it is found in the log.
  for (const name of response.getHeaderNames()) if (name !== REQUEST_ID_HEADER) response.removeHeader(name);
  response.writeHead(500, { "Content-Type": "text/plain" }).end("Internal Server Error\n");
}

function logApplicationError(error: unknown, { method, path, id }: RequestName): void {
  log("error", "application error", { method, path, requestId: id, error: reportError(error) });
}
