/**
 * Addresses to listen on, from text and back: `host:port`, `:port`, `port`, `[::1]:port`, `unix:path`,
 * `unix:@abstract`, `fd://n`. Knows nothing of sockets: whether an address can be bound is the listeners' matter.
 */

import { isIPv4, isIPv6 } from "node:net";
import type { BindAddress } from "./types.ts";
import { quoted, ValueError } from "./value-error.ts";

/** What a unix socket's path may hold: `sun_path` is 108 bytes with its NUL (unix(7)). */
export const LONGEST_UNIX_PATH = 107;

/** Parses one address; throws a `ValueError` that says what is wrong with it. */
export function parseBindAddress(value: unknown): BindAddress {
  if (typeof value === "number") return tcp(null, String(value), value);
  if (typeof value !== "string") throw new ValueError(`${quoted(value)} is not an address; give ${EXAMPLES}`);
  const text = value.trim();
  if (text === "") throw new ValueError(`an address is empty; give ${EXAMPLES}`);
  if (/\s/.test(text) && !text.startsWith("unix:"))
    throw new ValueError(`${quoted(value)} holds a space; give one address at a time`);
  if (text.startsWith("unix:")) return parseUnix(text.slice("unix:".length), text);
  if (text.startsWith("fd:")) return parseDescriptor(text);
  if (SCHEME.test(text)) throw new ValueError(`${quoted(text)} is a URL; give only ${EXAMPLES}`);
  if (text.startsWith("[")) return parseBracketed(text);
  return parseHostPort(text);
}

/** An address as it is written in logs and on the command line; `parseBindAddress` reads it back. */
export function formatAddress(address: BindAddress): string {
  switch (address.kind) {
    case "tcp":
      if (address.host === null) return `:${address.port}`;
      return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
    case "unix":
      return `unix:${address.path}`;
    case "abstract":
      return `unix:@${address.name}`;
    case "fd":
      return `fd://${address.fd}`;
  }
}

/** Says what is wrong with the path of a unix socket, or nothing. */
export function complaintAboutUnixPath(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  if (path.includes("\0")) return `the path of a unix socket holds a NUL character`;
  if (bytes <= LONGEST_UNIX_PATH) return undefined;
  return `the path of a unix socket is ${bytes} bytes long, and the system takes ${LONGEST_UNIX_PATH}; give a shorter one (${path})`;
}

function parseUnix(rest: string, text: string): BindAddress {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path.startsWith("@")) {
    const name = path.slice(1);
    if (name === "") throw new ValueError(`${quoted(text)} has no name after the @; give unix:@name`);
    throwIf(complaintAboutUnixPath(name));
    return { kind: "abstract", name };
  }
  if (path === "") throw new ValueError(`${quoted(text)} has no path; give unix:/run/app.sock`);
  if (path.endsWith("/"))
    throw new ValueError(`${quoted(text)} is a directory; give the path of a socket, such as ${text}app.sock`);
  throwIf(complaintAboutUnixPath(path));
  return { kind: "unix", path };
}

function parseDescriptor(text: string): BindAddress {
  const match = /^fd:\/\/(\d+)$/.exec(text);
  const fd = Number(match?.[1] ?? Number.NaN);
  if (!Number.isInteger(fd) || fd > 1_048_576)
    throw new ValueError(`${quoted(text)} names no descriptor; give fd:// and a number, such as fd://3`);
  if (fd < 3) throw new ValueError(`${quoted(text)} is one of the standard streams; give a descriptor from 3 on`);
  return { kind: "fd", fd };
}

function parseBracketed(text: string): BindAddress {
  const end = text.indexOf("]");
  if (end === -1) throw new ValueError(`${quoted(text)} has no closing bracket; give [::1]:8000`);
  const host = text.slice(1, end);
  const rest = text.slice(end + 1);
  if (!isIPv6(host))
    throw new ValueError(`${quoted(text)} holds no IPv6 address between its brackets; give [::1]:8000`);
  if (!rest.startsWith(":")) throw new ValueError(`${quoted(text)} has no port; give ${text.slice(0, end + 1)}:8000`);
  return tcp(host, rest.slice(1), text);
}

function parseHostPort(text: string): BindAddress {
  const colon = text.lastIndexOf(":");
  if (colon === -1) {
    if (/^[+-]?\d+(\.\d+)?$/.test(text) && !/^\d{1,3}\.\d/.test(text)) return tcp(null, text, text);
    throw new ValueError(missingPort(text));
  }
  const host = text.slice(0, colon);
  if (host.includes(":") || text.endsWith("::"))
    throw new ValueError(`${quoted(text)} holds an IPv6 address without brackets; give [${bare(text)}]:8000`);
  if (host.includes("]")) throw new ValueError(`${quoted(text)} has no opening bracket; give [::1]:8000`);
  if (host === "" || host === "*") return tcp(null, text.slice(colon + 1), text);
  if (!HOST.test(host))
    throw new ValueError(`${quoted(text)} holds ${quoted(host)}, which is not a host name or an address`);
  if (DOTTED_NUMBERS.test(host) && !isIPv4(host))
    throw new ValueError(
      `${quoted(text)} holds ${quoted(host)}, which is not an IPv4 address; give four numbers up to 255`,
    );
  return tcp(host, text.slice(colon + 1), text);
}

function missingPort(text: string): string {
  if (text.includes("/")) return `${quoted(text)} is not an address; for a unix socket give unix:${text}`;
  return `${quoted(text)} has no port; give ${HOST.test(text) ? text : "127.0.0.1"}:8000`;
}

function tcp(host: string | null, portText: string, whole: unknown): BindAddress {
  if (portText === "")
    throw new ValueError(
      `${quoted(whole)} has no port after the colon; give one from 1 to 65535, or 0 for any free one`,
    );
  if (!/^[+-]?\d+$/.test(portText))
    throw new ValueError(`${quoted(whole)} has the port ${quoted(portText)}, which is not a number`);
  const port = Number(portText);
  if (port < 0 || port > 65535 || portText.startsWith("-")) {
    throw new ValueError(`${quoted(whole)} has a port out of range; give one from 1 to 65535, or 0 for any free one`);
  }
  return { kind: "tcp", host, port };
}

/** The IPv6 address meant by text without brackets: all of it, or all before what must be the port. */
function bare(text: string): string {
  if (isIPv6(text)) return text;
  const host = text.slice(0, text.lastIndexOf(":"));
  return isIPv6(host) ? host : "::1";
}

function throwIf(complaint: string | undefined): void {
  if (complaint !== undefined) throw new ValueError(complaint);
}

const EXAMPLES = "host:port, :port, port, [::1]:port, unix:path, unix:@name or fd://n";
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;
const DOTTED_NUMBERS = /^[\d.]+$/;
