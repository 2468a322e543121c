/**
 * Questions to the head of a reply, and lists of headers made of others; none is ever changed. What is no list of pairs
 * is handed on as it is: refusing it is the business of the `startResponse` further out.
 */

import type { HeaderList, Status } from "../types.ts";

/** The number of a status, with or without a reason behind it. */
export function codeOf(status: Status): number {
  return typeof status === "number" ? status : Number(status.slice(0, 3));
}

/** The value of the first header of that name, which is given in lower case; undefined if there is none. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 1) {
    const pair = headers[i] as HeaderList[number];
    if (pair[0].length === name.length && pair[0].toLowerCase() === name) return pair[1];
  }
  return undefined;
}

/** The list without the headers of these names, which are given in lower case. */
export function withoutHeaders(headers: HeaderList, names: ReadonlySet<string>): HeaderList {
  return headers.filter(([name]) => !names.has(name.toLowerCase()));
}

/** The list with `header` in the place of any other of its name. */
export function withHeader(headers: HeaderList, header: HeaderList[number]): HeaderList {
  return [...withoutHeaders(headers, new Set([header[0].toLowerCase()])), header];
}

/** The list with `field`, the name of a request header, among those that the reply varies by (RFC 9110 section 12.5.5). */
export function withVary(headers: HeaderList, field: string): HeaderList {
  const known = headers.filter(([name]) => name.toLowerCase() === "vary").map(([, value]) => value);
  const fields = known.flatMap((value) => value.split(",").map((part) => part.trim().toLowerCase()));
  if (fields.includes("*") || fields.includes(field.toLowerCase())) return headers;
  return withHeader(headers, ["Vary", [...known, field].join(", ")]);
}

/** Whether it is a list of pairs of strings: what middleware can look into. */
export function isHeaderList(headers: unknown): headers is HeaderList {
  if (!Array.isArray(headers)) return false;
  for (let i = 0; i < headers.length; i += 1) {
    const pair: unknown = headers[i];
    if (!Array.isArray(pair) || typeof pair[0] !== "string" || typeof pair[1] !== "string") return false;
  }
  return true;
}
