/**
 * A gateway application as a listener for `node:http`. This file and the `node-…` files beside it are the one place
 * of the gateway that knows `node:http`.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { describeError, STANDARD_ERROR } from "./error-stream.ts";
import { NodeExchange } from "./node-exchange.ts";
import { type RequestName, runApplication, type RunContext } from "./run.ts";
import { type TrustedPeers, trustedPeersOf } from "./trusted-peers.ts";
import type { Application, ErrorStream } from "./types.ts";

export interface NodeListenerOptions {
  /** What `gateway.multiprocess` says; default false. */
  readonly multiprocess?: boolean;
  /** What `gateway.errors` is; default standard error. */
  readonly errors?: ErrorStream;
  /** Told of each error of the application, which the server answers for; default: its stack goes to `errors`. */
  readonly onError?: (error: unknown, request: RequestName) => void;
  /** What `gateway.url_scheme` says; default by the connection, `https` on TLS. */
  readonly urlScheme?: "http" | "https";
  /** Whose forwarding headers are believed; default nobody's. */
  readonly trustedPeers?: TrustedPeers;
  /** Header names with an underscore are answered with 400; default: no environ has them. */
  readonly refusesUnderscores?: boolean;
}

/** Makes a listener for `server.on("request", …)`. It never throws; errors go to `onError`. */
export function toNodeListener(
  application: Application,
  options: NodeListenerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const errors = options.errors ?? STANDARD_ERROR;
  const context: RunContext = {
    multiprocess: options.multiprocess ?? false,
    errors,
    urlScheme: options.urlScheme,
    trustedPeers: trustedPeersOf(options.trustedPeers),
    refusesUnderscores: options.refusesUnderscores,
    onError: options.onError ?? ((error, request) => errors.write(describeError(error, request))),
  };
  return (request, response) => runApplication(application, new NodeExchange(request, response), context);
}
