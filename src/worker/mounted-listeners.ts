/**
 * Which application a request of Node's own is for, and what that sees of it below a prefix: `req.url` without it,
 * `req.originalUrl` as sent and `req.baseUrl`, as under Express and Connect, whose applications go on from there.
 */

import type { IncomingMessage } from "node:http";
import type { AddressList } from "../address-list.ts";
import { type MountTable, withoutPrefix } from "../gateway/index.ts";
import { hostAsked } from "../gateway/node-host.ts";
import type { MountPoint } from "../mount-point.ts";

/** What Express and Connect keep of a request that they hand on. */
interface HandedOn {
  originalUrl?: string;
  baseUrl?: string;
}

/** What of `table` the request is for; undefined where nothing is mounted. */
export function mountedFor<Value>(
  request: IncomingMessage,
  table: MountTable<Value>,
  trustedPeers: AddressList,
): Value | undefined {
  const host = table.hasHosts ? hostAsked(request, trustedPeers) : undefined;
  return table.find(request.url ?? "", host)?.value;
}

/** A listener of `request` or `upgrade` that gets the requests below this place. */
export function belowMount<Args extends readonly [IncomingMessage, ...unknown[]], Result>(
  { segments }: MountPoint,
  listener: (...args: Args) => Result,
): (...args: Args) => Result {
  if (segments.length === 0) return listener;
  const baseUrl = `/${segments.map(encodeURIComponent).join("/")}`;
  return (...args) => {
    const request: IncomingMessage & HandedOn = args[0];
    const target = request.url ?? "";
    request.originalUrl = target;
    request.baseUrl = baseUrl;
    request.url = withoutPrefix(target, segments);
    return listener(...args);
  };
}

/** The target of a request as the client sent it, whoever may have handed it on since. */
export function targetAsSent({ originalUrl, url }: IncomingMessage & HandedOn): string {
  return originalUrl ?? url ?? "";
}
