/** The host that a request of `node:http` is for, as the environ of the gateway would have it in `HTTP_HOST`. */

import type { IncomingMessage } from "node:http";
import type { AddressList } from "../address-list.ts";
import { type ForwardingHeaders, forwardedFacts } from "./forwarded.ts";
import { connectionFacts } from "./node-connection.ts";
import { parseTarget } from "./request-target.ts";

/** `host[:port]` as a believed proxy says it, else that of the target, else the Host header's; undefined without any. */
export function hostAsked(request: IncomingMessage, trustedPeers: AddressList): string | undefined {
  const { headers, url = "", method = "" } = request;
  const said: ForwardingHeaders = {
    HTTP_X_FORWARDED_FOR: textOf(headers["x-forwarded-for"]),
    HTTP_X_FORWARDED_PROTO: textOf(headers["x-forwarded-proto"]),
    HTTP_X_FORWARDED_HOST: textOf(headers["x-forwarded-host"]),
    HTTP_X_FORWARDED_PORT: textOf(headers["x-forwarded-port"]),
    HTTP_FORWARDED: textOf(headers.forwarded),
  };
  const forwarded = forwardedFacts(said, connectionFacts(request.socket), trustedPeers);
  return forwarded?.host ?? parseTarget(url, method)?.authority ?? headers.host;
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === "object" ? value.join(", ") : value;
}
