/** Whose forwarding headers are believed, as programs that embed the gateway say it. */

import { AddressList, complaintAboutEntries } from "../address-list.ts";
import { kindOf } from "./response-headers.ts";

/** Addresses and networks, each as `--forwarded-allow-ips` takes it: `["10.0.0.0/8", "::1"]`. */
export type TrustedPeers = readonly string[] | AddressList;

/** Throws a TypeError that names the entry which is no address. */
export function trustedPeersOf(given: TrustedPeers | undefined): AddressList | undefined {
  if (given === undefined || given instanceof AddressList) return given;
  if (!Array.isArray(given)) {
    throw new TypeError(`trustedPeers must be a list such as ["10.0.0.0/8", "::1"], not ${kindOf(given)}`);
  }
  const complaint = complaintAboutEntries(given);
  if (complaint !== undefined) throw new TypeError(`trustedPeers: ${complaint}`);
  return new AddressList(given);
}
