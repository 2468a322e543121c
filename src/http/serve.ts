/** A server of one process: for embedding and for tests. */

import net from "node:net";
import tls from "node:tls";
import type { Application } from "../gateway/types.ts";
import { checkOptions, ENGINE_OPTIONS } from "./checked-options.ts";
import { Engine } from "./engine.ts";
import type { EngineOptions } from "./engine-options.ts";
import { Handshakes } from "./handshakes.ts";

export interface ServeOptions extends EngineOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
  /** A unix socket, in the place of host and port. */
  readonly path?: string;
  readonly backlog?: number;
  /** Certificate, key and whatever else `tls.createServer` takes: the server speaks TLS. */
  readonly tls?: tls.TlsOptions;
}

export interface HttpServer {
  readonly server: net.Server;
  readonly engine: Engine;
  /** 0 on a unix socket. */
  readonly port: number;
  /** `http://127.0.0.1:8000`, or the path of a unix socket. */
  readonly address: string;
  /** Accepts nothing any more and answers what is in flight. Resolves when the last connection is closed. */
  close(): Promise<void>;
  /** Closes every connection at once. */
  destroy(): Promise<void>;
}

/**
 * Serves a gateway application over HTTP/1.1. Resolves when it listens; rejects with the system's error, or with a TypeError
 * for an application or options that are none.
 */
export async function serve(application: Application, options: ServeOptions = {}): Promise<HttpServer> {
  checkOptions(options, SERVE_OPTIONS);
  const { host = "127.0.0.1", port: wanted = 0, path, backlog, tls: encryption, ...engineOptions } = options;
  const engine = new Engine(application, engineOptions);
  const accept = (socket: net.Socket): void => void engine.accept(socket);
  const shared = { allowHalfOpen: true, noDelay: true };
  let server: net.Server;
  let handshakes: Handshakes | undefined;
  if (encryption === undefined) server = net.createServer(shared, accept);
  else {
    const handshakeTimeout = engine.rules.limits.headersMs;
    const encrypted = tls.createServer({ handshakeTimeout, ...encryption, ...shared }, accept);
    handshakes = new Handshakes(encrypted);
    server = encrypted;
  }
  const where = path === undefined ? { host, port: wanted } : { path };
  await listen(server, backlog === undefined ? where : { ...where, backlog });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const stopped = new Promise<void>((resolve) => server.once("close", () => resolve()));
  return {
    server,
    engine,
    port,
    address: addressOf(bound, encryption !== undefined),
    async close() {
      server.close();
      handshakes?.destroyAll();
      await engine.drain();
      await stopped;
    },
    async destroy() {
      server.close();
      handshakes?.destroyAll();
      engine.destroyAll();
      await stopped;
    },
  };
}

const SERVE_OPTIONS = ["host", "port", "path", "backlog", "tls", ...ENGINE_OPTIONS];

async function listen(server: net.Server, where: net.ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function addressOf(bound: net.AddressInfo | string | null, isTls: boolean): string {
  if (typeof bound === "string" || bound === null) return bound ?? "";
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return `${isTls ? "https" : "http"}://${host}:${bound.port}`;
}
