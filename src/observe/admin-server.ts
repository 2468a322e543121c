/**
 * The operator's endpoints as an HTTP server on sockets that it is given. It is told what to say and knows nothing of
 * workers. A slow or hostile client costs a connection of a small number, of which the newest pushes out the oldest,
 * and never more than a few seconds. Loaded only where it is wanted.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { reportError } from "../errors.ts";
import type { WriteRecord } from "../logger.ts";
import { listenOnHandle, type RawHandle } from "../node-handles.ts";
import { accessOf } from "./admin-access.ts";
import { CONTENT_TYPE } from "./exposition.ts";
import { PAGE_POLICY, statusPage } from "./page/status-page.ts";
import type { Status } from "./status.ts";

/** What there is to say. */
export interface AdminSource {
  /** Undefined when the server is ready, else why it is not. */
  unreadiness(): string | undefined;
  metrics(): Promise<string>;
  status(): Status;
  token(): string | undefined;
}

const MOST_CONNECTIONS = 32;
const BACKLOG = 32;
const LARGEST_HEAD = 8192;
/** For a head to come, and for a request to come whole. */
const REQUEST_MS = 5000;
const KEEP_ALIVE_MS = 5000;
/** For a client that takes nothing of its reply. */
const SILENCE_MS = 10_000;
/** Whoever asks for metrics again within this time gets the same once more. */
const METRICS_FRESH_MS = 250;

type Reply = (response: ServerResponse) => void | Promise<void>;

interface Route {
  /** For those alone whom `accessOf` lets in. */
  readonly isProtected: boolean;
  readonly reply: Reply;
}

export class AdminServer {
  readonly #source: AdminSource;
  readonly #log: WriteRecord;
  readonly #servers: Server[] = [];
  /** In the order in which they came. */
  readonly #sockets = new Set<Socket>();
  /** On its way, or got a moment ago. */
  #metrics: Promise<Buffer> | undefined;
  readonly #routes: Readonly<Record<string, Route>>;

  constructor(source: AdminSource, log: WriteRecord) {
    this.#source = source;
    this.#log = log;
    this.#routes = {
      "/": { isProtected: true, reply: (response) => this.#sendPage(response) },
      "/livez": { isProtected: false, reply: (response) => send(response, 200, "ok\n") },
      "/readyz": { isProtected: false, reply: (response) => this.#readyz(response) },
      "/metrics": { isProtected: false, reply: async (response) => this.#sendMetrics(response) },
      "/status.json": {
        isProtected: true,
        reply: (response) => send(response, 200, `${JSON.stringify(source.status())}\n`, "application/json"),
      },
    };
  }

  /** Listens on a bound socket. Rejects with the system's error when that cannot be. */
  async listen(handle: RawHandle): Promise<void> {
    const server = http.createServer({
      maxHeaderSize: LARGEST_HEAD,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1000,
    });
    server.timeout = SILENCE_MS;
    server.on("connection", (socket) => this.#makeRoom(socket));
    server.on("request", (request, response) => void this.#answer(request, response));
    // Told to go on, a client would send a body that nobody reads.
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) =>
      server.emit("request", request, response),
    );
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", () => {
        server.off("error", reject).on("error", () => {});
        resolve();
      });
      listenOnHandle(server, handle, BACKLOG);
    });
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #makeRoom(socket: Socket): void {
    if (this.#sockets.size >= MOST_CONNECTIONS) {
      const [oldest] = this.#sockets;
      if (oldest !== undefined) this.#sockets.delete(oldest);
      oldest?.destroy();
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setCommonHeaders(response);
    // What a client sends behind the head is not read.
    if (hasBody(request)) response.shouldKeepAlive = false;
    const [path = ""] = (request.url ?? "").split("?", 1);
    const route = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined;
    if (route === undefined) return send(response, 404, "not found\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return send(response, 405, "method not allowed\n");
    }
    if (route.isProtected && !this.#isLetIn(request, response)) return;
    try {
      await route.reply(response);
    } catch (error) {
      this.#log("error", "internal error", { endpoint: path, error: reportError(error) });
      if (!response.headersSent) send(response, 500, "internal error\n");
    }
  }

  #isLetIn(request: IncomingMessage, response: ServerResponse): boolean {
    const { remoteAddress } = request.socket;
    const access = accessOf({ remoteAddress, headers: request.headers }, this.#source.token(), isSame);
    if (access === "granted") return true;
    if (access === "token needed") {
      // With the second a browser asks whoever sits at it, and sends along with each request what it is told.
      response.setHeader("WWW-Authenticate", ['Bearer realm="tsgate"', 'Basic realm="tsgate", charset="UTF-8"']);
      send(response, 401, "a token is needed: Authorization: Bearer TOKEN, or the token as the password of any user\n");
    } else send(response, 403, "for this machine only; --admin-token-file lets others in\n");
    return false;
  }

  #sendPage(response: ServerResponse): void {
    response.setHeader("Content-Security-Policy", PAGE_POLICY);
    response.setHeader("Referrer-Policy", "no-referrer");
    send(response, 200, statusPage(this.#source.status()), "text/html");
  }

  #readyz(response: ServerResponse): void {
    const why = this.#source.unreadiness();
    send(response, why === undefined ? 200 : 503, why === undefined ? "ready\n" : `not ready: ${why}\n`);
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    this.#metrics ??= this.#source
      .metrics()
      .then((text) => Buffer.from(text))
      .finally(() => setTimeout(() => (this.#metrics = undefined), METRICS_FRESH_MS).unref());
    send(response, 200, await this.#metrics, CONTENT_TYPE);
  }
}

function send(response: ServerResponse, status: number, body: string | Buffer, type = "text/plain"): void {
  response.statusCode = status;
  response.setHeader("Content-Type", type.includes(";") ? type : `${type}; charset=utf-8`);
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
}

function setCommonHeaders(response: ServerResponse): void {
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** Of digests, which are of one length whatever was given. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
