/**
 * What proxies in front say of a request, in X-Forwarded-For, -Proto, -Host and -Port or in Forwarded (RFC 7239), and
 * whose word counts: docs/proxies.md states the rules. Pure. Invariant: what a client that is not trusted has written
 * changes nothing, however it looks, wherever it stands. What a trusted proxy lets pass counts as its own word.
 */

import { type AddressList, normalAddress } from "../address-list.ts";
import { hostOf, isAuthority, portOf } from "./authority.ts";
import type { ConnectionFacts } from "./exchange.ts";
import { forwardedElements } from "./forwarded-header.ts";
import type { Environ } from "./types.ts";

/** Headers as the environ has them: repeated ones are joined with commas. */
export type ForwardingHeaders = Readonly<Record<`HTTP_${string}`, string | undefined>>;

/** What is believed; undefined is what nobody has said. */
export interface ForwardedFacts {
  /** Without an address: somebody whom the proxy does not know, or does not name. */
  readonly client: Node | undefined;
  readonly scheme: "http" | "https" | undefined;
  /** `host[:port]`. */
  readonly host: string | undefined;
  readonly port: string | undefined;
}

interface Node {
  readonly address?: string;
  readonly port?: string;
}

/** What is to be believed of `headers` on a connection; undefined when nothing is. */
export function forwardedFacts(
  headers: ForwardingHeaders,
  { remoteAddress, isUnix }: Pick<ConnectionFacts, "remoteAddress" | "isUnix">,
  trusted: AddressList,
): ForwardedFacts | undefined {
  const { HTTP_X_FORWARDED_FOR: given, HTTP_X_FORWARDED_PROTO: proto, HTTP_X_FORWARDED_HOST: host } = headers;
  const { HTTP_X_FORWARDED_PORT: port, HTTP_FORWARDED: forwarded } = headers;
  const isByX = given !== undefined || proto !== undefined || host !== undefined || port !== undefined;
  if (!isByX && forwarded === undefined) return undefined;
  // Who has no address and is on no unix socket has gone, and could be anybody.
  if (remoteAddress === undefined && isUnix !== true) return undefined;
  if (!trusted.has(remoteAddress)) return undefined;
  if (!isByX) return factsOfForwarded(forwarded as string, trusted);
  const nodes = listOf(given);
  return {
    client: nodes.length === 0 ? undefined : nodeOf(nodes[clientIndex(nodes, trusted)] as string),
    scheme: schemeOf(listOf(proto).at(-1)),
    host: hostIn(listOf(host).at(-1)),
    port: portIn(listOf(port).at(-1)),
  };
}

/** Says in `environ`, whose addresses are those of the connection, what is believed of the client and of the server. */
export function applyForwarded(environ: Environ, { client, host, port }: ForwardedFacts): void {
  if (client !== undefined) {
    setOrDrop(environ, "REMOTE_ADDR", client.address);
    setOrDrop(environ, "REMOTE_PORT", client.port);
  }
  if (host !== undefined) {
    environ.HTTP_HOST = host;
    environ.SERVER_NAME = hostOf(host);
    environ.SERVER_PORT = portOf(host) ?? (environ["gateway.url_scheme"] === "https" ? "443" : "80");
  }
  if (port !== undefined) environ.SERVER_PORT = port;
}

function setOrDrop(environ: Environ, key: "REMOTE_ADDR" | "REMOTE_PORT", value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(environ, key);
  else environ[key] = value;
}

/** All that an element says was written by the proxy that its client spoke to. */
function factsOfForwarded(value: string, trusted: AddressList): ForwardedFacts {
  const elements = forwardedElements(value);
  if (elements === undefined) return { client: {}, scheme: undefined, host: undefined, port: undefined };
  const nodes = elements.map((element) => element.get("for") ?? "unknown");
  const element = elements[clientIndex(nodes, trusted)];
  const isNamed = elements.some((each) => each.has("for"));
  return {
    client: isNamed && element !== undefined ? nodeOf(element.get("for") ?? "unknown") : undefined,
    scheme: schemeOf(element?.get("proto")),
    host: hostIn(element?.get("host")),
    port: undefined,
  };
}

/**
 * Which of the nodes is the client: from ours to theirs, each was written by the one behind it, so it counts as long as
 * that one is trusted.
 */
function clientIndex(nodes: readonly string[], trusted: AddressList): number {
  let index = nodes.length - 1;
  while (index > 0 && isTrustedNode(nodes[index] as string, trusted)) index--;
  return index;
}

function isTrustedNode(text: string, trusted: AddressList): boolean {
  // What nginx calls a client on its own unix socket.
  if (text === "unix:") return trusted.has(undefined);
  const { address } = nodeOf(text);
  return address !== undefined && trusted.has(address);
}

/** An address, perhaps with a port (RFC 7239 section 6); whatever else it says names nobody. */
function nodeOf(text: string): Node {
  const [, bracketed, plain, port] = NODE.exec(text) ?? [];
  const address = normalAddress(bracketed ?? plain ?? text);
  if (address === undefined) return {};
  const known = portIn(port);
  return known === undefined ? { address } : { address, port: known };
}

function listOf(value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function schemeOf(text: string | undefined): "http" | "https" | undefined {
  return text === undefined ? undefined : SCHEMES[text.toLowerCase()];
}

function hostIn(text: string | undefined): string | undefined {
  return text !== undefined && isAuthority(text) && hostOf(text) !== "" ? text : undefined;
}

function portIn(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port < 65_536 ? String(port) : undefined;
}

/** Without the prototype's names. */
const SCHEMES: Readonly<Record<string, "http" | "https">> = Object.assign(Object.create(null), {
  http: "http",
  https: "https",
  ws: "http",
  wss: "https",
});
const NODE = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([^:]*))?$/;
