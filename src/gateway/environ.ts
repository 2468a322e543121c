/**
 * Builds the environ of one request: which keys exist and what they hold (PEP 3333, "environ Variables"). Refuses
 * requests that two readers could take differently; knows nothing of how the application is run.
 */

import type { AddressList } from "../address-list.ts";
import { hostOf, isAuthority, isSameAuthority } from "./authority.ts";
import type { ConnectionFacts, Exchange } from "./exchange.ts";
import { fileWrapper } from "./file-wrapper.ts";
import { applyForwarded, forwardedFacts } from "./forwarded.ts";
import { ExchangeInput } from "./input.ts";
import { addHeaders } from "./request-headers.ts";
import { parseTarget } from "./request-target.ts";
import { checkHeaders } from "./response-headers.ts";
import type { Environ, ErrorStream, HeaderList } from "./types.ts";

/** What is the same for all requests of a server. */
export interface GatewayContext {
  readonly multiprocess: boolean;
  readonly errors: ErrorStream;
  /** Overrides what the connection says, for a server behind a TLS terminator: `http` or `https`. */
  readonly urlScheme: string | undefined;
  /** Whose forwarding headers are believed; default nobody's. */
  readonly trustedPeers?: AddressList | undefined;
  /** Header names with an underscore are answered with 400; default: no environ has them. */
  readonly refusesUnderscores?: boolean | undefined;
}

/** The request is not one to hand to an application; `status` is the answer it gets. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Whoever makes the abort signal of a request when it is first read. */
export interface SignalSource {
  readonly signal: AbortSignal;
}

/** The environ of one request, a plain object. Throws `RequestRefused`. */
export function createEnviron(exchange: Exchange, context: GatewayContext, signals: SignalSource): Environ {
  const { connection, method } = exchange;
  const target = parseTarget(exchange.target, method);
  if (target === undefined) throw new RequestRefused(400, "the request target has no form that a server accepts");
  const environ = {
    REQUEST_METHOD: method,
    SCRIPT_NAME: "",
    PATH_INFO: target.path,
    QUERY_STRING: target.query,
    REQUEST_URI: exchange.target,
    SERVER_NAME: "",
    SERVER_PORT: "",
    SERVER_PROTOCOL: exchange.version === "1.1" ? "HTTP/1.1" : `HTTP/${exchange.version}`,
    "gateway.version": VERSION,
    "gateway.url_scheme": context.urlScheme ?? (connection.isSecure ? "https" : "http"),
    "gateway.input": new ExchangeInput(exchange),
    "gateway.errors": context.errors,
    "gateway.multithread": false,
    "gateway.multiprocess": context.multiprocess,
    "gateway.run_once": false,
    "gateway.file_wrapper": fileWrapper,
    "gateway.early_hints": (headers: HeaderList) => exchange.earlyHints(checkHeaders(headers)),
    [SIGNALS]: signals,
  } as unknown as Environ;
  Object.defineProperty(environ, "gateway.signal", LAZY_SIGNAL);
  if (exchange.addHeaders !== undefined) exchange.addHeaders(environ);
  else if (!addHeaders(environ, exchange.headers) && context.refusesUnderscores === true)
    throw new RequestRefused(400, "the name of a header has an underscore");
  if (target.authority !== undefined) takeAuthority(environ, target.authority);
  refuseAmbiguous(environ);
  const { trustedPeers } = context;
  const forwarded = trustedPeers && forwardedFacts(environ, connection, trustedPeers);
  if (forwarded?.scheme !== undefined) environ["gateway.url_scheme"] = forwarded.scheme;
  addAddresses(environ, connection);
  if (forwarded !== undefined) applyForwarded(environ, forwarded);
  return environ;
}

/**
 * An absolute target says which host is meant (RFC 9112 section 3.2.2). Where Host says otherwise, whoever stands in front
 * may have gone by that.
 */
function takeAuthority(environ: Environ, authority: string): void {
  const { HTTP_HOST: host, REQUEST_URI: target } = environ;
  if (host !== undefined && !isSameAuthority(host, authority, HTTPS.test(target) ? "443" : "80"))
    throw new RequestRefused(400, "the target and the Host header name different hosts");
  environ.HTTP_HOST = authority;
}

/**
 * Two Host headers come out joined with ", ", which no host can contain (RFC 9112 section 3.2); a coding that is not
 * exactly chunked, or one on HTTP/1.0, leaves open where the request ends (RFC 9112 section 6.1).
 */
function refuseAmbiguous(environ: Environ): void {
  const host = environ.HTTP_HOST;
  if (host !== undefined && !isAuthority(host)) throw new RequestRefused(400, "the Host header is not one host");
  const coding = environ.HTTP_TRANSFER_ENCODING;
  if (coding === undefined) return;
  if (environ.SERVER_PROTOCOL !== "HTTP/1.1" || environ.CONTENT_LENGTH !== undefined) {
    throw new RequestRefused(400, "the request has a Transfer-Encoding where none is allowed");
  }
  if (coding.toLowerCase() !== "chunked") throw new RequestRefused(501, "the only transfer coding known is chunked");
}

function addAddresses(environ: Environ, connection: ConnectionFacts): void {
  const { localAddress, localPort, remoteAddress, remotePort } = connection;
  if (localAddress === undefined || localPort === undefined) {
    environ.SERVER_NAME = (environ.HTTP_HOST && hostOf(environ.HTTP_HOST)) || "localhost";
    environ.SERVER_PORT = environ["gateway.url_scheme"] === "https" ? "443" : "80";
  } else {
    environ.SERVER_NAME = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
    environ.SERVER_PORT = localPort;
  }
  if (remoteAddress !== undefined) environ.REMOTE_ADDR = remoteAddress;
  if (remotePort !== undefined) environ.REMOTE_PORT = remotePort;
}

const HTTPS = /^https:/i;
const VERSION = Object.freeze([1, 0] as const);

// One descriptor for all requests: a getter per request would cost twice as much and spoil the object's shape.
const SIGNALS: unique symbol = Symbol("tsgate.signals") as never;
const LAZY_SIGNAL: PropertyDescriptor & ThisType<Environ & { [SIGNALS]: SignalSource }> = {
  get() {
    return this[SIGNALS].signal;
  },
  set(value) {
    Object.defineProperty(this, "gateway.signal", { value, writable: true, enumerable: true, configurable: true });
  },
  enumerable: true,
  configurable: true,
};
