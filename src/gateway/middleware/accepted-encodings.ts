/** Which content codings a client takes (RFC 9110 section 12.5.3). Clients send the same few headers over and over. */

import Negotiator from "negotiator";
import { isWorthKeeping, ownText } from "../own-text.ts";

/** A coding as it is called in `Content-Encoding`. */
export type Coding = "br" | "zstd" | "gzip";

/**
 * Answers which of `available` are accepted by an `Accept-Encoding` header, the best first: by the client's weights,
 * and where it does not care, in the order in which they stand. Only those that are better than none.
 */
export function createNegotiation(available: readonly Coding[]): (header: string | undefined) => readonly Coding[] {
  const known = new Map<string, readonly Coding[]>();
  return (header) => {
    if (header === undefined) return [];
    const before = known.get(header);
    if (before !== undefined) return before;
    const accepted = negotiate(header, available);
    if (known.size < KNOWN_LIMIT && isWorthKeeping(header)) known.set(ownText(header), accepted);
    return accepted;
  };
}

function negotiate(header: string, available: readonly Coding[]): readonly Coding[] {
  const provided = [...available, "identity"];
  const negotiator = new Negotiator({ headers: { "accept-encoding": header } }) as unknown as Preferring;
  const order = negotiator.encodings(provided, { preferred: provided });
  const plain = order.indexOf("identity");
  return (plain < 0 ? order : order.slice(0, plain)) as Coding[];
}

/** Its types lack what it has had since 1.0. */
interface Preferring {
  encodings(available: readonly string[], options: { readonly preferred: readonly string[] }): string[];
}

const KNOWN_LIMIT = 256;
