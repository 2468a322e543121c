/**
 * The transport of this version: `node:http` on the master's sockets, one server a socket, all with the application's
 * one listener; or with the program's own server behind them. An error that the listener throws or rejects with is that
 * request's alone.
 */

import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { reportError } from "../errors.ts";
import { expectContinue, toNodeListener } from "../gateway/index.ts";
import type { BootOrder, ListenerInfo } from "../messages.ts";
import { listenOnHandle, type RawHandle } from "../node-handles.ts";
import { log } from "./channel.ts";
import type { Connections } from "./connections.ts";
import type { HeldServer } from "./held-server.ts";
import { isTlsServer } from "./listen-capture.ts";
import type { LoadedApplication, ServerApplication, UpgradeListener } from "./load-application.ts";

/** Makes a server for one socket; it does not listen yet. */
export function createServer(app: LoadedApplication, order: BootOrder, connections: Connections): net.Server {
  if (app.interface === "server") {
    setKeepAlive(app.held, order);
    return createFront(app.held.server);
  }
  const server = http.createServer({ keepAliveTimeout: order.keepAliveMs });
  connections.track(server);
  server.on("request", requestListener(app, order));
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
  return server;
}

/** Takes on the server of a program: its connections are counted. */
export function adoptServer({ server }: HeldServer, connections: Connections): void {
  const isTls = isTlsServer(server);
  if (isTls || !(server instanceof http.Server)) connections.trackLayers(server, { isTls });
  else connections.track(server);
}

/** Not before it serves: programs set theirs when they are told that they listen. */
function setKeepAlive({ server }: HeldServer, order: BootOrder): void {
  const isUsual = server.keepAliveTimeout === new http.Server().keepAliveTimeout;
  if (order.isKeepAliveGiven || isUsual) server.keepAliveTimeout = order.keepAliveMs;
}

/** Accepts on one socket for the server of a program, which may have several sockets, or encrypt by itself. */
function createFront(server: Server): net.Server {
  const { allowHalfOpen, highWaterMark, keepAlive, keepAliveInitialDelay, noDelay, pauseOnConnect } =
    server as unknown as net.ServerOpts & { highWaterMark?: number };
  const options = { allowHalfOpen, highWaterMark, keepAlive, keepAliveInitialDelay, noDelay, pauseOnConnect };
  const front = net.createServer(options as net.ServerOpts, (socket) => server.emit("connection", socket));
  Object.defineProperty(front, "maxConnections", { get: () => server.maxConnections });
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

function requestListener(app: Exclude<LoadedApplication, ServerApplication>, order: BootOrder): RequestListener {
  if (app.interface === "node") return guarded(app.listener);
  return toNodeListener(app.application, {
    multiprocess: order.multiprocess,
    onError: (error, { method, path }) => logApplicationError(error, method, path),
  });
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
    logApplicationError(error, request.method ?? "", pathOf(request));
    socket.destroy();
  };
  try {
    const outcome: unknown = upgrade(request, socket, head);
    if (outcome instanceof Promise) outcome.catch(fail);
  } catch (error) {
    fail(error);
  }
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

function failRequest(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  logApplicationError(error, request.method ?? "", pathOf(request));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(500, { "Content-Type": "text/plain" }).end("Internal Server Error\n");
}

function logApplicationError(error: unknown, method: string, path: string): void {
  log("error", "application error", { method, path, error: reportError(error) });
}
