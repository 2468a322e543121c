/**
 * Who may read what is not for everybody. This machine may: a unix socket, or a loopback address, unless the request
 * came through a proxy or names a host that only a browser that was deceived would name. Everybody else needs the
 * token. Pure, but for the comparison, which takes as long for a wrong token as for the right one.
 */

import net from "node:net";

export type Access = "granted" | "token needed" | "denied";

export interface Asking {
  /** Undefined for a unix socket. */
  readonly remoteAddress: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Compares without telling by the time it takes how much was right. */
export type Compare = (given: string, token: string) => boolean;

/** What a proxy adds; whoever sits behind it is not this machine. */
const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/** @param token the one that lets others in, if there is one */
export function accessOf(asking: Asking, token: string | undefined, compare: Compare): Access {
  if (isThisMachine(asking)) return "granted";
  if (token === undefined) return "denied";
  const given = tokenIn(String(asking.headers["authorization"] ?? ""));
  return given !== undefined && compare(given, token) ? "granted" : "token needed";
}

/** Programs send it as it is (RFC 6750), browsers as a password (RFC 7617), the user before it being anybody. */
function tokenIn(authorization: string): string | undefined {
  const [, scheme = "", text = ""] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== "basic") return text === "" ? undefined : text;
  return /^[^:]*:(.+)$/s.exec(Buffer.from(text, "base64").toString())?.[1];
}

function isThisMachine({ remoteAddress, headers }: Asking): boolean {
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  if (remoteAddress === undefined) return true;
  return isLoopback(remoteAddress) && isOwnName(String(headers["host"] ?? ""));
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}

/**
 * A page of another site can have its own name resolve to this machine and then read what its browser gets (DNS
 * rebinding), but it cannot do so under an address, or under localhost.
 */
function isOwnName(host: string): boolean {
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host);
  const text = name?.[1] ?? name?.[2] ?? "";
  return text === "" ? host === "" : net.isIP(text) !== 0 || /^(?:.+\.)?localhost\.?$/i.test(text);
}
