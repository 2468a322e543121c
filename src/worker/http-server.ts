/**
 * `node:http` as a transport: on the master's sockets, one server a socket, all with one listener for
 * the applications (`dispatch.ts`); or with the program's own server behind them. Node's own timeouts are out of force:
 * clients are judged in `client-sweep.ts`.
 */

import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import net from "node:net";
import { AddressList } from "../address-list.ts";
import { reportError } from "../errors.ts";
import { expectContinue } from "../gateway/index.ts";
import type { BootOrder } from "../boot-order.ts";
import type { ListenerInfo } from "../messages.ts";
import { listenOnHandle, type RawHandle } from "../node-handles.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import type { Applications } from "./applications.ts";
import { log } from "./channel.ts";
import type { Clientele } from "./clientele.ts";
import type { ServerLimits } from "./connection.ts";
import { createDispatcher } from "./dispatch.ts";
import type { HeldServer } from "./held-server.ts";
import type { HttpTracking } from "./http-tracking.ts";
import { isTlsServer } from "./listen-capture.ts";
import type { RequestObserver } from "./request-observer.ts";
import { holdWithin, serverLimits } from "./server-limits.ts";
import { filesFirst } from "./static-files.ts";

/** Makes a server for one socket; it does not listen yet. */
export function createServer(
  applications: Applications,
  order: BootOrder,
  clientele: Clientele,
  requests: RequestWatch,
): net.Server {
  const { connections, tracking } = clientele;
  if (applications.program !== undefined) {
    const { server } = applications.program;
    setKeepAlive(applications.program, order);
    if (!tracking.isLimited(server)) {
      tracking.limit(server, takeTimeouts(server, order));
      judgeBeforeContinue(server, order);
    }
    return holdWithin(clientele, createFront(server), () => server.maxConnections);
  }
  const { multiprocess, refusesUnderscores } = order;
  const trustedPeers = new AddressList(order.forwardedAllowIps);
  const { stats } = connections;
  const chosen = stats && ((response: ServerResponse, mount: string) => stats.chosen(response, mount));
  const dispatcher = createDispatcher(applications, {
    multiprocess,
    trustedPeers,
    refusesUnderscores,
    requests,
    chosen,
  });
  const { request, upgrade, continuesByReading, IncomingMessage } = dispatcher;
  const ownClass = IncomingMessage === undefined ? {} : { IncomingMessage };
  const server = http.createServer({ keepAliveTimeout: order.keepAliveMs, ...NO_TIMEOUTS, ...ownClass });
  tracking.track(server, requests.observer);
  tracking.limit(server, serverLimits(order));
  // All of them are there to be counted: Node would drop those beyond.
  server.maxHeadersCount = 0;
  server.on("request", filesFirst(applications.files, request));
  if (continuesByReading !== undefined) {
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      if (continuesByReading(request)) expectContinue(request, response);
      else response.writeContinue();
      server.emit("request", request, response);
    });
  } else judgeBeforeContinue(server, order);
  if (upgrade !== undefined) server.on("upgrade", upgrade);
  return holdWithin(clientele, server, () => undefined);
}

/** Where nobody listens, Node says `100 Continue` to a body before anybody can say that it is too large. */
function judgeBeforeContinue(server: Server, { clients }: BootOrder): void {
  if (clients.sizes.requestBody === 0 || server.listenerCount("checkContinue") > 0) return;
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    // A program that listens later on decides by itself.
    if (server.listenerCount("checkContinue") > 1) return;
    response.writeContinue();
    server.emit("request", request, response);
  });
}

/** Takes on the server of a program: its connections are counted. */
export function adoptServer({ server }: HeldServer, tracking: HttpTracking, observer?: RequestObserver): void {
  const isTls = isTlsServer(server);
  if (isTls || !(server instanceof http.Server)) tracking.trackLayers(server, { isTls }, observer);
  else tracking.track(server, observer);
}

/** Not before it serves: programs set theirs when they are told that they listen. */
function setKeepAlive({ server }: HeldServer, order: BootOrder): void {
  const isUsual = server.keepAliveTimeout === new http.Server().keepAliveTimeout;
  if (order.isKeepAliveGiven || isUsual) server.keepAliveTimeout = order.keepAliveMs;
}

/** Node would look at its connections every so often, only to find nothing to do. */
const NO_TIMEOUTS = { headersTimeout: 0, requestTimeout: 0, connectionsCheckingInterval: 2 ** 31 - 1 };

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
