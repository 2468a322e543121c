/** The `host[:port]` of a Host header, a target or a forwarding header (RFC 9110 section 7.2). Pure. */

/** Whether it is one host and perhaps a port: two of them, joined by a comma and a space, are not. */
export function isAuthority(text: string): boolean {
  if (text === lastAuthority) return true;
  const isOne = AUTHORITY.test(text);
  if (isOne) lastAuthority = text;
  return isOne;
}

/** The host alone; an IPv6 address keeps its brackets. */
export function hostOf(authority: string): string {
  return authority.replace(PORT, "");
}

/** The port; undefined where none is given. */
export function portOf(authority: string): string | undefined {
  return PORT.exec(authority)?.[0].slice(1) || undefined;
}

const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(?::\d*)?$/;
/** Almost always the next request names the same. */
let lastAuthority: string | undefined;
const PORT = /:\d*$/;
