/**
 * Lines of the access log as JSON: one object each, of ASCII alone, whatever a client has put into its headers. Every
 * line has the same keys in the same order; `cut` is there only where the connection closed before its time.
 */

import { REQUEST_ID_HEADER } from "../request-id.ts";
import type { AccessEntry, FormatLine } from "./access-entry.ts";
import { basicUser, splitTarget } from "./access-text.ts";
import { isoTime } from "./access-time.ts";
import { isPlain } from "./plain-text.ts";

/** Makes the function that writes a line. `pid` is that of the process. */
export function compileJson(pid: number): FormatLine {
  return (entry) => {
    const { method, durationMs } = entry;
    const [path, query] = splitTarget(entry.target);
    const isKnown = method !== "";
    return (
      `{"time":"${isoTime(entry.endedAt)}","client":${orNull(entry.address)},"user":${orNull(basicUser(entry))}` +
      `,"method":${orNull(isKnown ? method : undefined)},"path":${orNull(isKnown ? path : undefined)}` +
      `,"query":${orNull(isKnown ? query : undefined)},"protocol":${isKnown ? `"HTTP/${entry.version}"` : "null"}` +
      `,"status":${entry.status},"bytes":${entry.bytes},"durationMs":${Math.round(durationMs * 1000) / 1000}` +
      `,"referer":${orNull(entry.header("referer"))},"userAgent":${orNull(entry.header("user-agent"))}` +
      `,"requestId":${orNull(entry.header(REQUEST_ID_HEADER))},"pid":${pid}${entry.isCut ? ',"cut":true}\n' : "}\n"}`
    );
  };
}

function orNull(value: ReturnType<AccessEntry["header"]>): string {
  if (value === undefined) return "null";
  return quote(typeof value === "string" ? value : String(value));
}

function quote(text: string): string {
  return isPlain(text) ? `"${text}"` : JSON.stringify(text).replaceAll(BEYOND_ASCII, escape);
}

function escape(character: string): string {
  return String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const BEYOND_ASCII = /[\x7f-\uffff]/g;
