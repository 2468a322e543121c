/**
 * Header fields given to a Response, as a list of pairs: what a plain object or a list of pairs holds, if all of it is
 * plainly valid. Everything else is left to Node's own Headers, which converts it, or throws what has to be thrown.
 */

import { TOKEN } from "../response-headers.ts";
import type { HeaderList } from "../types.ts";
import { NativeHeaders } from "./native.ts";

export type HeaderPair = readonly [name: string, value: string];

/** The fields of `init`, copied; undefined when Node's own Headers has to look at them. */
export function plainPairs(init: unknown): HeaderPair[] | undefined {
  if (typeof init !== "object" || init === null) return undefined;
  if (Array.isArray(init)) return pairsOfList(init);
  const prototype: unknown = Object.getPrototypeOf(init);
  if (prototype === NativeHeaders.prototype) return [...(init as Headers)] as HeaderPair[];
  return prototype === Object.prototype ? pairsOfRecord(init as Readonly<Record<string, unknown>>) : undefined;
}

/** Whether one of the fields is Content-Type. */
export function hasContentType(headers: HeaderList): boolean {
  for (let i = 0; i < headers.length; i++) {
    const name = (headers[i] as HeaderPair)[0];
    if (name.length === CONTENT_TYPE.length && name.toLowerCase() === CONTENT_TYPE) return true;
  }
  return false;
}

function pairsOfRecord(record: Readonly<Record<string, unknown>>): HeaderPair[] | undefined {
  // An iterable is read as a list, and a symbol is no name: both are for Node's own to say.
  if (Object.getOwnPropertySymbols(record).length > 0) return undefined;
  const pairs: HeaderPair[] = [];
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (!isPlain(name, value)) return undefined;
    pairs.push([name, value as string]);
  }
  return pairs;
}

function pairsOfList(list: readonly unknown[]): HeaderPair[] | undefined {
  const pairs: HeaderPair[] = [];
  for (let i = 0; i < list.length; i++) {
    const pair = list[i];
    if (!Array.isArray(pair) || pair.length !== 2 || !isPlain(pair[0], pair[1])) return undefined;
    pairs.push([pair[0] as string, pair[1] as string]);
  }
  return pairs;
}

function isPlain(name: unknown, value: unknown): boolean {
  return typeof name === "string" && typeof value === "string" && TOKEN.test(name) && VALUE.test(value);
}

const CONTENT_TYPE = "content-type";
/** Nothing at its ends that would be trimmed, and no control characters. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
