/** What proxies in front of the server say, and which of them are believed. */

import { addressEntries, complaintAboutEntries } from "../../address-list.ts";
import { one, type SettingRows, type ValueType } from "../setting-row.ts";
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

const LOOPBACK = ["127.0.0.1", "::1"] as const;

export const PROXIES: SettingRows<"forwardedAllowIps"> = {
  forwardedAllowIps: {
    metavar: "LIST",
    type: addresses(),
    default: LOOPBACK,
    doc: "Addresses and networks (10.0.0.0/8), with commas between, of proxies whose X-Forwarded-For, -Proto, -Host and -Port or Forwarded headers are believed; * for all, none for nobody. Peers on unix sockets are believed, but for none",
    kinds: ["gateway", "fetch", "wsgi"],
    takesEffect: "reload",
  },
};
