/**
 * Names of request headers, each found once: the environ key it becomes (RFC 3875 section 4.1.18) and what it means to
 * the engine. Bounded, because clients choose the names.
 */

import { isWorthKeeping, LONGEST_KEPT, ownText } from "../gateway/own-text.ts";

/** What the engine itself reads; everything else is `ORDINARY`. */
export const ORDINARY = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const EXPECT = 5;
export const UPGRADE = 6;

export interface HeaderName {
  /** "" for a name with an underscore, which no environ has: `X_A` would come out as `X-A` does. */
  readonly key: string;
  readonly meaning: number;
  /** What stands between the values of repeated ones. */
  readonly separator: string;
  /** The number of the last request that had it: whether it repeats is known without a look at the environ. */
  seenIn: number;
  /** Whether all spellings have this record. Of names beyond the limit each may have its own. */
  readonly isShared: boolean;
}

/** A name as a client writes it. */
export interface Spelling {
  readonly text: string;
  readonly name: HeaderName;
  /** Its bytes by fours, the last four once more where that does not come out even; none of a short name. */
  readonly words: Int32Array;
  /** What stood behind it the last time: clients send their headers in the same order each time. */
  next: Spelling | undefined;
}

/** A text of one byte a character, and the same bytes from `at` on. */
export interface TextAndBytes {
  readonly text: string;
  readonly bytes: DataView;
  readonly at: number;
}

/**
 * The name that stands in a text from `start` to `end`, behind `previous`; for the same spelling the same object, as long
 * as there is room. Of one that is known no string is made: it is the one that was expected, or is found by its length and
 * three of its characters.
 */
export function spellingAfter(previous: Spelling, source: TextAndBytes, start: number, end: number): Spelling {
  if (end - start > LONGEST_KEPT) return spellingOf(source.text.slice(start, end));
  const { next } = previous;
  if (next !== undefined && standsAt(next, source, start, end)) return next;
  const { text } = source;
  const ends = 7 * text.charCodeAt(end - 2) + 127 * text.charCodeAt(end - 1);
  const place = (end - start + 31 * text.charCodeAt(start) + ends) & (PLACES - 1);
  let found = recently[place];
  if (found === undefined || !standsAt(found, source, start, end)) {
    found = spell(text.slice(start, end));
    recently[place] = found;
  }
  // One that is not kept would keep what comes behind it.
  if (spellings.size < LIMIT) previous.next = found;
  return found;
}

function standsAt(spelling: Spelling, { text, bytes, at }: TextAndBytes, start: number, end: number): boolean {
  const { length } = spelling.text;
  if (end - start !== length) return false;
  if (length < WORD) return text.startsWith(spelling.text, start);
  const { words } = spelling;
  const last = at + end - WORD;
  for (let i = 0, from = at + start; from < last; i++, from += WORD) {
    if (bytes.getInt32(from, true) !== words[i]) return false;
  }
  return bytes.getInt32(last, true) === words[words.length - 1];
}

function wordsOf(text: string): Int32Array {
  const { length } = text;
  if (length < WORD) return NO_WORDS;
  const bytes = Buffer.from(text, "latin1");
  const places = Array.from({ length: Math.ceil(length / WORD) }, (_, i) => Math.min(WORD * i, length - WORD));
  return Int32Array.from(places, (place) => bytes.readInt32LE(place));
}

/** A name that stands alone. */
export function spell(name: string): Spelling {
  const known = spellings.get(name);
  if (known !== undefined) return known;
  const made = spellingOf(ownText(name));
  if (spellings.size < LIMIT && isWorthKeeping(name)) spellings.set(made.text, made);
  return made;
}

function spellingOf(text: string): Spelling {
  return { text, name: makeName(text), words: wordsOf(text), next: undefined };
}

/** Spellings of one name share its record, or a repeated header in another spelling would not be seen as repeated. */
function makeName(name: string): HeaderName {
  const upper = name.toUpperCase();
  const known = byUpper.get(upper);
  if (known !== undefined) return known;
  const meaning = MEANINGS[upper] ?? ORDINARY;
  const isShared = byUpper.size < LIMIT && isWorthKeeping(name);
  const made = { key: keyOf(upper), meaning, separator: separatorOf(upper), seenIn: 0, isShared };
  if (isShared) byUpper.set(upper, made);
  return made;
}

function keyOf(upper: string): string {
  if (upper.includes("_")) return "";
  const key = upper.replaceAll("-", "_");
  return key === "CONTENT_TYPE" || key === "CONTENT_LENGTH" ? key : `HTTP_${key}`;
}

function separatorOf(upper: string): string {
  return upper === "COOKIE" ? "; " : ", ";
}

const MEANINGS: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  HOST,
  "CONTENT-LENGTH": CONTENT_LENGTH,
  "TRANSFER-ENCODING": TRANSFER_ENCODING,
  CONNECTION,
  EXPECT,
  UPGRADE,
});

/** Enough for every name in honest use, in every spelling. */
const LIMIT = 1024;
const PLACES = 512;
const WORD = 4;
const recently: (Spelling | undefined)[] = Array.from({ length: PLACES }, () => undefined);
const NO_WORDS = new Int32Array(0);
const spellings = new Map<string, Spelling>();
const byUpper = new Map<string, HeaderName>();

/** Stands before the first name. */
export const NO_NAME: Spelling = spellingOf("");
