/** The `host[:port]` of a Host header, a target or a forwarding header (RFC 9110 section 7.2). Pure. */

import { isIPv6 } from "node:net";

/** Whether it is one host and perhaps a port, or empty: two hosts, joined by a comma and a space, are not. */
export function isAuthority(text: string): boolean {
  if (text === lastAuthority) return true;
  const isOne = text === "" || (AUTHORITY.test(text) && isAddressIn(text) && Number(portOf(text) ?? 0) <= LAST_PORT);
  if (isOne) lastAuthority = text;
  return isOne;
}

/** Whether two authorities mean the same host and port, which is `usualPort` where none is given. */
export function isSameAuthority(one: string, other: string, usualPort: string): boolean {
  return one === other || normalized(one, usualPort) === normalized(other, usualPort);
}

/** The host alone; an IPv6 address keeps its brackets. */
export function hostOf(authority: string): string {
  return authority.replace(PORT, "");
}

/** The port; undefined where none is given. */
export function portOf(authority: string): string | undefined {
  return PORT.exec(authority)?.[0].slice(1) || undefined;
}

function isAddressIn(text: string): boolean {
  return text[0] !== "[" || isIPv6(text.slice(1, text.indexOf("]")));
}

function normalized(authority: string, usualPort: string): string {
  return `${hostOf(authority).toLowerCase()}:${Number(portOf(authority) ?? usualPort)}`;
}

const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::\d*)?$/;
const LAST_PORT = 65_535;
/** Almost always the next request names the same. */
let lastAuthority: string | undefined;
const PORT = /:\d*$/;
