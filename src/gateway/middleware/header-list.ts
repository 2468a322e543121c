/**
 * Questions to a list of headers and lists made of it; none is ever changed. What is no list of pairs is handed on as it
 * is: refusing it is the business of the `startResponse` further out.
 */

import type { HeaderList } from "../types.ts";

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

/** Whether it is a list of pairs of strings: what middleware can look into. */
export function isHeaderList(headers: unknown): headers is HeaderList {
  if (!Array.isArray(headers)) return false;
  for (let i = 0; i < headers.length; i += 1) {
    const pair: unknown = headers[i];
    if (!Array.isArray(pair) || typeof pair[0] !== "string" || typeof pair[1] !== "string") return false;
  }
  return true;
}
