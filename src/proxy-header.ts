/**
 * The header that a proxy sends before anything else on a connection, to say whose connection it is: HAProxy's PROXY
 * protocol, version 1 (a line) and 2 (binary). A pure function of the bytes that have come so far, for any transport.
 * Invariant: the answer for some bytes does not depend on how they came in pieces, and what follows the header is left.
 */

import { isIP } from "node:net";
import { normalAddress } from "./address-list.ts";

/** Which versions are understood; `auto` is either. */
export type ProxyVersion = "v1" | "v2" | "auto";

/** Who is at the far end of a connection, as its proxy says. */
export interface ProxiedClient {
  /** Textual, without brackets; IPv4-mapped IPv6 as IPv4. */
  readonly address: string;
  readonly port: number;
}

export type HeaderProblem = "missing" | "malformed" | "oversized";

export type ProxyHeader =
  /** What has come may be the beginning of one. */
  | { readonly state: "partial" }
  /**
   * The header is the first `length` bytes. Without a client the connection is the proxy's own (`LOCAL`, a health check),
   * or of somebody who has no such address (`UNKNOWN`, a unix socket): what the connection itself says stays.
   */
  | { readonly state: "whole"; readonly length: number; readonly client: ProxiedClient | undefined }
  | { readonly state: "refused"; readonly why: HeaderProblem };

/** No header is longer: of version 1 by its definition, of version 2 with more extensions than any proxy sends. */
export const LONGEST_HEADER = 16 + 4096;
const LONGEST_LINE = 107;

/** Reads the header at the beginning of `bytes`. */
export function readProxyHeader(bytes: Buffer, version: ProxyVersion): ProxyHeader {
  if (version !== "v2" && isBeginning(bytes, LINE_START)) return readLine(bytes);
  if (version !== "v1" && isBeginning(bytes, SIGNATURE)) return readBinary(bytes);
  return refused("missing");
}

/** Version 1: `PROXY TCP4 192.0.2.7 203.0.113.1 4711 443`, CR, LF. */
function readLine(bytes: Buffer): ProxyHeader {
  const head = bytes.toString("latin1", 0, LONGEST_LINE);
  const end = head.indexOf("\n");
  if (end === -1) return head.length < LONGEST_LINE ? PARTIAL : refused("oversized");
  const line = head.slice(0, end + 1);
  if (UNKNOWN.test(line)) return whole(end + 1, undefined);
  const [, family, source = "", destination = "", port = "", destinationPort = ""] = LINE.exec(line) ?? [];
  const areAddresses = [source, destination].every((text) => isIP(text) === Number(family));
  const arePorts = [port, destinationPort].every((text) => Number(text) <= 65_535);
  const address = normalAddress(source);
  if (!areAddresses || !arePorts || address === undefined) return refused("malformed");
  return whole(end + 1, { address, port: Number(port) });
}

/** Version 2: the signature, version and command, family and protocol, length, addresses, extensions. */
function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < FIXED_LENGTH) return PARTIAL;
  const versionAndCommand = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > PROXY || family >> 4 > FAMILY_UNIX || (family & 0x0f) > DATAGRAM)
    return refused("malformed");
  if (FIXED_LENGTH + length > LONGEST_HEADER) return refused("oversized");
  const isProxied = command === PROXY && (family & 0x0f) === STREAM;
  if (isProxied && length < (ADDRESS_LENGTHS[family >> 4] ?? 0)) return refused("malformed");
  if (bytes.length < FIXED_LENGTH + length) return PARTIAL;
  return whole(FIXED_LENGTH + length, isProxied ? clientIn(bytes.subarray(FIXED_LENGTH), family >> 4) : undefined);
}

function clientIn(addresses: Buffer, family: number): ProxiedClient | undefined {
  if (family === FAMILY_INET) return { address: addresses.subarray(0, 4).join("."), port: addresses.readUInt16BE(8) };
  if (family !== FAMILY_INET6) return undefined;
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => addresses.readUInt16BE(at).toString(16));
  return { address: normalAddress(groups.join(":")) as string, port: addresses.readUInt16BE(32) };
}

/** Whether the bytes begin with `start`, or are the beginning of it. */
function isBeginning(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function whole(length: number, client: ProxiedClient | undefined): ProxyHeader {
  return { state: "whole", length, client };
}

function refused(why: HeaderProblem): ProxyHeader {
  return { state: "refused", why };
}

const PARTIAL: ProxyHeader = { state: "partial" };
const LINE_START = Buffer.from("PROXY ", "latin1");
const UNKNOWN = /^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/;
const LINE = /^PROXY TCP([46]) ([\d.:A-Fa-f]+) ([\d.:A-Fa-f]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/;
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const FIXED_LENGTH = 16;
const PROXY = 1;
const STREAM = 1;
const DATAGRAM = 2;
const FAMILY_INET = 1;
const FAMILY_INET6 = 2;
const FAMILY_UNIX = 3;
const ADDRESS_LENGTHS: Readonly<Record<number, number>> = { [FAMILY_INET]: 12, [FAMILY_INET6]: 36, [FAMILY_UNIX]: 216 };
