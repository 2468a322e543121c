/**
 * The transport of this version: `node:http` on the master's sockets, one server a socket, all with the application's
 * one listener. An error that the listener throws or rejects with is that request's alone.
 */

import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { reportError } from "../errors.ts";
import { expectContinue, toNodeListener } from "../gateway/index.ts";
import type { BootOrder, ListenerInfo } from "../messages.ts";
import { listenOnHandle, type RawHandle } from "../node-handles.ts";
import { log } from "./channel.ts";
import type { Connections } from "./connections.ts";
import type { LoadedApplication, UpgradeListener } from "./load-application.ts";

/** Makes a server for one socket; it does not listen yet. */
export function createServer(app: LoadedApplication, order: BootOrder, connections: Connections): Server {
  const server = http.createServer({ keepAliveTimeout: order.keepAliveMs });
  connections.track(server);
  server.on("request", requestListener(app, order));
  if (app.interface === "gateway") {
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      expectContinue(request, response);
      server.emit("request", request, response);
    });
  } else if (app.upgrade !== undefined) {
    const { upgrade } = app;
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      connections.upgraded(socket);
      guardedUpgrade(upgrade, request, socket, head);
    });
  }
  return server;
}

/** Listens on the master's socket. Rejects with the system's error when that cannot be. */
export async function listen(
  server: Server,
  { isUnix }: ListenerInfo,
  handle: RawHandle,
  backlog: number,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      server.on("error", (error) => log("error", "listening socket failed", { isUnix, error: reportError(error) }));
      resolve();
    });
    listenOnHandle(server, handle, backlog);
  });
}

function requestListener(app: LoadedApplication, order: BootOrder): RequestListener {
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
      if (outcome instanceof Promise) outcome.catch((error: unknown) => failRequest(error, request, response));
    } catch (error) {
      failRequest(error, request, response);
    }
  };
}

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
