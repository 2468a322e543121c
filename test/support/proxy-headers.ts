/** Headers of the PROXY protocol, as a proxy writes them. */

import net from "node:net";
import type { ProxiedClient } from "../../src/proxy-header.ts";

/** Version 1. */
export function headerLine({ address, port }: ProxiedClient): string {
  const isIPv4 = net.isIPv4(address);
  return `PROXY TCP${isIPv4 ? 4 : 6} ${address} ${isIPv4 ? "203.0.113.1" : "::1"} ${port} 443\r\n`;
}

export interface BinaryOptions {
  readonly command?: number;
  readonly family?: number;
  readonly extensions?: Buffer;
}

/** Version 2; without a client a connection of the proxy's own. */
export function binaryHeader(client: ProxiedClient | undefined, options: BinaryOptions = {}): Buffer {
  const isIPv4 = client !== undefined && net.isIPv4(client.address);
  const { command = client === undefined ? 0 : 1, family = client === undefined ? 0 : isIPv4 ? 0x11 : 0x21 } = options;
  const addresses = client === undefined ? Buffer.alloc(0) : addressesOf(client, isIPv4);
  const { extensions = Buffer.alloc(0) } = options;
  const fixed = Buffer.from("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "latin1");
  fixed.writeUInt8(0x20 | command, 12);
  fixed.writeUInt8(family, 13);
  fixed.writeUInt16BE(addresses.length + extensions.length, 14);
  return Buffer.concat([fixed, addresses, extensions]);
}

/** Both addresses, the server's being 0, and both ports. */
function addressesOf({ address, port }: ProxiedClient, isIPv4: boolean): Buffer {
  const source = isIPv4 ? Buffer.from(address.split(".").map(Number)) : ipv6Bytes(address);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(port, 0);
  ports.writeUInt16BE(443, 2);
  return Buffer.concat([source, Buffer.alloc(source.length), ports]);
}

function ipv6Bytes(address: string): Buffer {
  // The URL standard writes IPv4 at the end of an IPv6 address as two groups.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
