/** What the engine can be told, with its defaults; only what differs need be given. */

import type { Socket } from "node:net";
import type { ConnectionFacts } from "../gateway/exchange.ts";
import type { RequestName } from "../gateway/run.ts";
import type { TrustedPeers } from "../gateway/trusted-peers.ts";
import type { ErrorStream } from "../gateway/types.ts";
import type { BadRequest } from "./bad-request-log.ts";
import type { Limits } from "./limits.ts";

/** A request that wants another protocol (RFC 9110 section 7.8). */
export interface UpgradeRequest {
  readonly method: string;
  /** The raw request target. */
  readonly target: string;
  /** As received: name, value, name, value … */
  readonly headers: readonly string[];
  readonly connection: ConnectionFacts;
}

export interface EngineOptions {
  /** An undefined one is the default. */
  readonly limits?: { readonly [Name in keyof Limits]?: number | undefined };
  /** What `gateway.multiprocess` says; default false. */
  readonly multiprocess?: boolean;
  /** What `gateway.errors` is; default standard error. */
  readonly errors?: ErrorStream;
  /** Told of each error of the application, which the engine answers for; default: its stack goes to `errors`. */
  readonly onError?: (error: unknown, request: RequestName) => void;
  /** What `gateway.url_scheme` says; default by the connection, `https` on TLS. */
  readonly urlScheme?: "http" | "https";
  /** Whose forwarding headers are believed; default nobody's. */
  readonly trustedPeers?: TrustedPeers;
  /** Header names with an underscore are answered 400; default: no environ has them. */
  readonly refusesUnderscores?: boolean;
  /** Whether a client that has ended its side still gets its reply; default: it counts as gone, as with `node:http`. */
  readonly servesHalfClosed?: boolean;
  /** Takes connections that change to another protocol; `begun` is what has come behind the head. Default: ignored. */
  readonly onUpgrade?: (request: UpgradeRequest, socket: Socket, begun: Buffer) => void;
  /** Told of requests that no application got to see, ten a minute at most. */
  readonly onBadRequest?: (request: BadRequest) => void;
}
