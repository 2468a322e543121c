/**
 * Whom the server believes what they say of others: a list of addresses and networks, as `--forwarded-allow-ips` and
 * `--proxy-allow-from` take it. Peers on a unix socket have no address; they are believed unless nobody is. Pure.
 */

import { BlockList, isIP, SocketAddress } from "node:net";

/** Everybody, in gunicorn's spelling. */
const ALL = "*";
/** Nobody, peers on unix sockets included; stands alone. */
const NONE = "none";
/** Enough for every proxy; clients with ever new addresses cannot make it grow beyond. */
const KNOWN_LIMIT = 1024;

/** The entries of a list as it is written: `10.0.0.0/8, ::1`. */
export function addressEntries(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== "");
}

/** What is wrong with a list, in a few words; undefined when nothing is. */
export function complaintAboutEntries(entries: readonly string[]): string | undefined {
  if (entries.length === 0) return "the list is empty; for nobody give none";
  if (entries.includes(NONE) && entries.length > 1) return "none stands beside other entries; leave it or them out";
  const wrong = entries.find((entry) => entry !== ALL && entry !== NONE && networkOf(entry) === undefined);
  if (wrong === undefined) return undefined;
  return `"${wrong}" is neither an address nor a network; give 10.0.0.7, 10.0.0.0/8, ::1, * for all or none`;
}

export class AddressList {
  readonly #isAll: boolean;
  readonly #isNone: boolean;
  readonly #networks = new BlockList();
  readonly #known = new Map<string, boolean>();

  /** @param entries without a complaint */
  constructor(entries: readonly string[]) {
    this.#isAll = entries.includes(ALL);
    this.#isNone = entries.includes(NONE);
    for (const entry of entries) {
      const network = networkOf(entry);
      if (network !== undefined) this.#networks.addSubnet(network.address, network.prefix, network.family);
    }
  }

  /** Whether a peer is on the list; `address` is undefined for one on a unix socket. IPv4-mapped IPv6 counts as IPv4. */
  has(address: string | undefined): boolean {
    if (address === undefined || this.#isAll) return !this.#isNone;
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const family = familyOf(address);
    const isListed = family !== undefined && this.#networks.check(address, family);
    if (this.#known.size >= KNOWN_LIMIT) this.#known.clear();
    this.#known.set(address, isListed);
    return isListed;
  }
}

/** The address as the system writes it; undefined for what is none, or has a zone. IPv4-mapped IPv6 comes out as IPv4. */
export function normalAddress(text: string): string | undefined {
  const family = familyOf(text);
  if (family !== "ipv6") return family && text;
  const { address } = new SocketAddress({ address: text, family });
  return MAPPED.test(address) ? address.slice("::ffff:".length) : address;
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

function networkOf(entry: string): Network | undefined {
  const [, given = "", bits] = ENTRY.exec(entry) ?? [];
  const address = normalAddress(given);
  const family = address === undefined ? undefined : familyOf(address);
  if (address === undefined || family === undefined) return undefined;
  const width = family === "ipv4" ? 32 : 128;
  // The prefix of a mapped address counts from the beginning of the IPv6 address.
  const prefix = bits === undefined ? width : Number(bits) - (family === familyOf(given) ? 0 : 96);
  return prefix < 0 || prefix > width ? undefined : { address, prefix, family };
}

function familyOf(address: string): "ipv4" | "ipv6" | undefined {
  const version = isIP(address);
  if (version === 0 || address.includes("%")) return undefined;
  return version === 4 ? "ipv4" : "ipv6";
}

const ENTRY = /^([^/]+)(?:\/(\d{1,3}))?$/;
const MAPPED = /^::ffff:\d+\.\d+\.\d+\.\d+$/;
