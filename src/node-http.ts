/** What Node does not document of its own HTTP server: what it has sent, and on which sockets it waits. */

import http, { IncomingMessage, type Server, type ServerResponse } from "node:http";
import net from "node:net";

/** The head of a request, as Node's own parser would have read it. */
export interface ReadHead {
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value …, as received. */
  readonly headers: string[];
}

/** Node's own request of HTTP/1.1 that asks for another protocol on `socket`: it has no body, and is complete. */
export function upgradeRequest(socket: net.Socket, { method, target, headers }: ReadHead): IncomingMessage {
  const request = new IncomingMessage(socket);
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.httpVersion = "1.1";
  request.url = target;
  request.method = method;
  // Node makes `headers` and `headersDistinct` of these when they are asked for.
  (request as unknown as RequestInternals)._addHeaderLines(headers, headers.length);
  Object.assign(request, { upgrade: true, complete: true });
  request.push(null);
  return request;
}

interface RequestInternals {
  _addHeaderLines(headers: string[], count: number): void;
}

/** Whether the client was told to send its body (`100 Continue`). */
export function isContinueSent(response: ServerResponse): boolean {
  return (response as unknown as { _sent100: boolean })._sent100;
}

/**
 * The sockets of a server on which no request has begun, not even one of which only the first bytes have come together
 * with the request before; undefined when this server does not tell. Node keeps such lists for its own timeouts. A socket
 * on which nothing has ever come may be missing.
 */
export function socketsAtRest(server: Server): Set<net.Socket> | undefined {
  const symbol = Object.getOwnPropertySymbols(server).find(({ description }) => description === CONNECTIONS);
  const lists = symbol && (server as unknown as Record<symbol, { idle?(): { readonly socket: net.Socket }[] }>)[symbol];
  return lists?.idle && new Set(lists.idle().map(({ socket }) => socket));
}

const CONNECTIONS = "http.server.connections";

/** Whether a socket of an HTTP server has properties that Node has not given it. */
export function isMarked(socket: net.Socket): boolean {
  usualKeys ??= new Set([...keysOfServed(), ...LATER_KEYS]);
  return Object.keys(socket).some((key) => usualKeys?.has(key) === false);
}

/** Those of a socket that a server has just taken on. */
function keysOfServed(): string[] {
  const server = new http.Server();
  const socket = new net.Socket();
  for (const listener of server.listeners("connection")) listener.call(server, socket);
  const keys = Object.keys(socket);
  socket.destroy();
  return keys;
}

/** What comes with a request, with a timeout, when somebody asks who the client is, and with its name behind a proxy. */
const LATER_KEYS = ["_httpMessage", "timeout", "_peername", "remoteAddress", "remotePort", "remoteFamily"];
let usualKeys: ReadonlySet<string> | undefined;

/** The head of a reply as it was sent, or is to be; undefined before there is one, and for replies of HTTP/2. */
export function sentHead(response: ServerResponse): string | undefined {
  const { _header: head } = response as unknown as { _header?: unknown };
  // That of HTTP/2 only says whether it was sent.
  return typeof head === "string" ? head : undefined;
}

/** The status of a reply whose head was sent, whatever the application has called it since. */
export function sentStatus(response: ServerResponse): number {
  const head = sentHead(response);
  return head === undefined ? response.statusCode : statusOfHead(head);
}

/** The status in a head: "HTTP/1.1 200 OK"; taken apart by hand on the path of each request. */
export function statusOfHead(head: string): number {
  return (head.charCodeAt(9) - ZERO) * 100 + (head.charCodeAt(10) - ZERO) * 10 + (head.charCodeAt(11) - ZERO);
}

/** The same; undefined where no head was sent. */
export function statusSent(response: ServerResponse): number | undefined {
  return response.headersSent ? sentStatus(response) : undefined;
}

const ZERO = 48;
