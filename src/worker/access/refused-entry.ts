/** What came and could not be read as a request, as a line of the access log: what is known of it is little. */

import type { AccessEntry } from "../../observe/access-entry.ts";

/** The status that Node answers with, should nobody see what was answered; undefined for what is no request at all. */
export function refusalStatus(error: unknown): 400 | 408 | 413 | 431 | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return 408;
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return 413;
  // A connection that breaks, or a handshake that fails, comes the same way.
  return typeof code === "string" && code.startsWith("HPE_") ? 400 : undefined;
}

/** The line's entry. The request line is taken from what had arrived, if that began with one. */
export function refusedEntry(
  error: unknown,
  { address, status, endedAt }: Pick<AccessEntry, "address" | "status" | "endedAt">,
): AccessEntry {
  const { rawPacket } = (error ?? {}) as { rawPacket?: unknown };
  const packet = Buffer.isBuffer(rawPacket) ? rawPacket.toString("latin1", 0, LONGEST_REQUEST_LINE) : "";
  const { method, target, version } = requestLineIn(packet);
  return {
    address,
    method,
    target,
    version,
    status,
    bytes: 0,
    durationMs: 0,
    endedAt,
    isCut: false,
    header: () => undefined,
    replyHeader: () => undefined,
    variable: () => undefined,
  };
}

/** What stands in the request line that `text` begins with; "" for each where it begins with none. */
export function requestLineIn(text: string): Pick<AccessEntry, "method" | "target" | "version"> {
  const [, method = "", target = "", version = ""] = REQUEST_LINE.exec(text) ?? [];
  return { method, target, version };
}

const LONGEST_REQUEST_LINE = 8192;
const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/(\d\.\d)\r?\n/;
