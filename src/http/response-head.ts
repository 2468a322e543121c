/** The head of a response as it goes over the wire (RFC 9112 sections 4 and 5), one character a byte. */

import { STATUS_CODES } from "node:http";

/**
 * The status line and the headers of the application, each with its end of line. Adds `Date` (RFC 9110 section 6.6.1)
 * unless the application sent one.
 */
export function headText(status: number, reason: string | undefined, headers: readonly string[]): string {
  let text = reason === undefined ? statusLine(status) : `HTTP/1.1 ${status} ${reason}\r\n`;
  let hasDate = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    text += `${name}: ${headers[i + 1] as string}\r\n`;
    if (name.length === 4 && name.toLowerCase() === "date") hasDate = true;
  }
  return hasDate ? text : text + dateLine();
}

/** An interim response with these headers. */
export function interimText(status: number, headers: readonly string[]): string {
  let text = statusLine(status);
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i] as string}: ${headers[i + 1] as string}\r\n`;
  return `${text}\r\n`;
}

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
  statusLines.set(status, line);
  return line;
}

/** The same text for all of a second: a look at the clock for each reply would cost more than all of the head. */
function dateLine(): string {
  if (date === "") renewDate();
  return date;
}

function renewDate(): void {
  const now = new Date();
  date = `Date: ${now.toUTCString()}\r\n`;
  setTimeout(forgetDate, 1000 - now.getMilliseconds()).unref();
}

function forgetDate(): void {
  date = "";
}

/** At most the thousand that there are. */
const statusLines = new Map<number, string>();
let date = "";
