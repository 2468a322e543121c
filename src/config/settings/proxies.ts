/** What proxies in front of the server say, and which of them are believed. */

import { addressEntries, complaintAboutEntries } from "../../address-list.ts";
import { one, type SettingRows, type ValueType } from "../setting-row.ts";
import { parseChoice } from "../values.ts";
import { quoted, ValueError } from "../value-error.ts";

/** A list of addresses and networks, in one text or, in the configuration file, in several. */
function addresses(): ValueType<readonly string[]> {
  return one(parseAddresses, (entries) => entries.join(","));
}

function parseAddresses(value: unknown): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const entries = texts.flatMap((text) => {
    if (typeof text === "string") return addressEntries(text);
    throw new ValueError(`${quoted(text)} is not a list of addresses; give a string such as "10.0.0.0/8,::1"`);
  });
  const complaint = complaintAboutEntries(entries);
  if (complaint !== undefined) throw new ValueError(complaint);
  return entries;
}

const PROTOCOLS = ["off", "v1", "v2", "auto"] as const;
const LOOPBACK = ["127.0.0.1", "::1"] as const;

export const PROXIES: SettingRows<"forwardedAllowIps" | "proxyProtocol" | "proxyAllowFrom"> = {
  forwardedAllowIps: {
    metavar: "LIST",
    type: addresses(),
    default: LOOPBACK,
    doc: "Addresses and networks (10.0.0.0/8), with commas between, of proxies whose X-Forwarded-For, -Proto, -Host and -Port or Forwarded headers are believed; * for all, none for nobody. Peers on unix sockets are believed, but for none",
    kinds: ["gateway", "fetch", "wsgi"],
    takesEffect: "reload",
  },
  proxyProtocol: {
    metavar: "VERSION",
    type: one((value) => parseChoice(value, PROTOCOLS)),
    default: "off",
    doc: "Each connection begins with a header of the PROXY protocol, which says whose it is: v1 (a line), v2 (binary), auto for either, or off. A connection without one is closed",
    takesEffect: "reload",
  },
  proxyAllowFrom: {
    metavar: "LIST",
    type: addresses(),
    default: LOOPBACK,
    doc: "With --proxy-protocol: addresses and networks, with commas between, whose connections are accepted, and * for all; those on unix sockets are, but for none",
    takesEffect: "reload",
  },
};
