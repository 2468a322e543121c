/**
 * An exchange over `node:http`'s request and response. Framing, Date, keep-alive and HTTP/1.0 are Node's; `Connection`
 * is never set here, so that whoever drains the server can still decide it by `shouldKeepAlive`.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionFacts, Exchange, ExchangeWatcher } from "./exchange.ts";
import { connectionFacts, whenClosed } from "./node-connection.ts";
import { lingerAtClose } from "./node-lingering-close.ts";
import { NodeRequestBody } from "./node-request-body.ts";
import type { Chunk } from "./types.ts";

/**
 * For a server's `checkContinue` event, before the request goes to the listener of `toNodeListener`: the client is
 * told to go on when the application first reads (RFC 9110 section 10.1.1). Without that listener Node tells it at once.
 */
export function expectContinue(_request: IncomingMessage, response: ServerResponse): void {
  awaitingContinue.add(response);
}

export class NodeExchange implements Exchange {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly requestBody: NodeRequestBody;
  private watcher: ExchangeWatcher | undefined;
  private isOver = false;
  /** The client waits for `100 Continue` and has not been told to go on. */
  private isContinueDue: boolean;
  /** Given to Node only with the first byte or the end: by then it is known whether the connection can stay. */
  private pendingHead: PendingHead | undefined;
  /** HTTP/1.0 without a length: the end of the connection is the end of the body (RFC 9112 section 6.3). */
  private isEndedByClose = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.requestBody = new NodeRequestBody(request);
    this.isContinueDue = awaitingContinue.has(response) && request.headers.expect !== undefined;
  }

  get method(): string {
    return this.request.method as string;
  }

  get target(): string {
    return this.request.url as string;
  }

  get version(): string {
    return this.request.httpVersion;
  }

  get headers(): readonly string[] {
    return this.request.rawHeaders;
  }

  get connection(): ConnectionFacts {
    return connectionFacts(this.request.socket);
  }

  get isGone(): boolean {
    return !this.isOver && (this.request.socket.destroyed || this.response.destroyed);
  }

  read(maxBytes: number): Promise<Uint8Array> {
    if (this.isContinueDue && !this.isOver && !this.response.headersSent) {
      this.isContinueDue = false;
      this.response.writeContinue();
    }
    return this.requestBody.read(maxBytes);
  }

  earlyHints(headers: readonly string[]): boolean {
    if (this.isOver || this.response.headersSent || this.version !== "1.1") return false;
    const hints: Record<string, string | string[]> = Object.create(null);
    const links: string[] = [];
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (name.toLowerCase() === "link") links.push(headers[i + 1] as string);
      else hints[name] = headers[i + 1] as string;
    }
    if (links.length === 0) return false;
    hints.link = links;
    this.response.writeEarlyHints(hints);
    return true;
  }

  head(status: number, reason: string | undefined, headers: string[], length: number | undefined): void {
    if (length !== undefined) headers.push("Content-Length", String(length));
    this.pendingHead = { status, reason, headers };
    this.isEndedByClose = length === undefined && this.version !== "1.1";
  }

  write(chunk: Chunk): boolean {
    const hasRoom = this.response.write(this.withHead(chunk));
    if (!hasRoom) this.response.once("drain", () => this.watcher?.onDrain());
    return hasRoom;
  }

  end(chunk?: Chunk): void {
    this.isOver = true;
    if (!this.requestBody.isThrough) this.leaveRequestBody();
    const last = this.withHead(chunk);
    if (last === undefined) this.response.end();
    else this.response.end(last);
  }

  destroy(): void {
    this.isOver = true;
    const { socket } = this.response;
    if (socket !== null && this.isEndedByClose) reset(socket);
    // Node holds back what is written until the end of the tick; what the application sent shall be on its way.
    else if (socket !== null) this.response.uncork();
    this.response.destroy();
  }

  refused(): void {
    this.closeAfterwards();
  }

  watch(watcher: ExchangeWatcher): void {
    this.watcher = watcher;
    const { request, response } = this;
    let wasTold = false;
    const onClose = (): void => {
      if (this.isOver || wasTold) return;
      wasTold = true;
      watcher.onGone();
    };
    response.on("close", onClose);
    // Behind the answer to an earlier request on the same connection a response has no socket of its own yet.
    if (response.socket === null) response.once("socket", whenClosed(request.socket, onClose));
    if (this.isGone) process.nextTick(onClose);
  }

  /**
   * Hands Node the head that is due before `chunk`. A string would make Node send both as UTF-8, which is wrong for a
   * header beyond ASCII: then the chunk goes as bytes.
   */
  private withHead<C extends Chunk | undefined>(chunk: C): C | Buffer {
    const head = this.pendingHead;
    if (head === undefined) return chunk;
    this.pendingHead = undefined;
    const { status, reason, headers } = head;
    if (reason === undefined) this.response.writeHead(status, headers);
    else this.response.writeHead(status, reason, headers);
    return typeof chunk === "string" && !isAscii(reason, headers) ? Buffer.from(chunk) : chunk;
  }

  private closeAfterwards(): void {
    this.response.shouldKeepAlive = false;
  }

  /** What the application left of the request body: whoever waits to be asked for it sends none. */
  private leaveRequestBody(): void {
    this.requestBody.leave();
    const isComing = !this.isContinueDue || this.request.readableLength > 0;
    if (isComing) lingerAtClose(this.request);
    if (this.isContinueDue || !this.response.shouldKeepAlive) return;
    if (this.requestBody.left <= DRAIN_LIMIT) void this.discardRest();
    else if (this.pendingHead === undefined) this.closeWhenSent();
    else this.closeAfterwards();
  }

  /** Takes a small rest, so that the connection can serve the next request; a large one ends the connection. */
  private async discardRest(): Promise<void> {
    // Once the reply is sent Node discards a body that nobody has begun to read, and knows no limit.
    this.request.read(0);
    try {
      if (!(await this.requestBody.discard(DRAIN_LIMIT))) this.closeWhenSent();
    } catch {
      // The client is gone, and the rest with it.
    }
  }

  private closeWhenSent(): void {
    const { request, response } = this;
    if (response.writableFinished) request.socket.destroySoon();
    else response.once("finish", () => request.socket.destroySoon());
  }
}

/** A reset is all that tells a client that the body it reads to the end of the connection is not whole. */
function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Not TCP: TLS shows by itself that it was cut off, a unix socket has no way to.
  }
}

interface PendingHead {
  readonly status: number;
  readonly reason: string | undefined;
  readonly headers: string[];
}

/** Whether a head can be sent as UTF-8; the names of headers are tokens, which are ASCII. */
function isAscii(reason: string | undefined, headers: readonly string[]): boolean {
  if (reason !== undefined && BEYOND_ASCII.test(reason)) return false;
  for (let i = 1; i < headers.length; i += 2) if (BEYOND_ASCII.test(headers[i] as string)) return false;
  return true;
}

const awaitingContinue = new WeakSet<ServerResponse>();
const BEYOND_ASCII = /[\x80-\uffff]/;
const DRAIN_LIMIT = 65_536;
