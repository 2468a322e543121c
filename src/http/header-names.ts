/**
 * Names of request headers, each found once: the environ key it becomes (RFC 3875 section 4.1.18) and what it means to
 * the engine. Bounded, because clients choose the names.
 */

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
}

/** A name as a client writes it. */
export interface Spelling {
  readonly text: string;
  readonly name: HeaderName;
}

/**
 * The name that stands in `text` from `start` to `end`; for the same spelling the same object, as long as there is room.
 * Those that come often are found by their length and three of their characters, and no string is made of them.
 */
export function spellingAt(text: string, start: number, end: number): Spelling {
  const length = end - start;
  const place =
    (length +
      7 * text.charCodeAt(start) +
      31 * text.charCodeAt(end - 1) +
      127 * text.charCodeAt(start + (length >> 1))) &
    (PLACES - 1);
  const recent = recently[place];
  if (recent !== undefined && recent.text.length === length && text.startsWith(recent.text, start)) return recent;
  const found = spellingOf(text.slice(start, end));
  recently[place] = found;
  return found;
}

function spellingOf(text: string): Spelling {
  const known = spellings.get(text);
  if (known !== undefined) return known;
  const made = { text, name: makeName(text) };
  if (spellings.size < LIMIT) spellings.set(text, made);
  return made;
}

/** Spellings of one name share its record, or a repeated header in another spelling would not be seen as repeated. */
function makeName(name: string): HeaderName {
  const upper = name.toUpperCase();
  const known = byUpper.get(upper);
  if (known !== undefined) return known;
  const made = { key: keyOf(upper), meaning: MEANINGS[upper] ?? ORDINARY, separator: separatorOf(upper), seenIn: 0 };
  if (byUpper.size < LIMIT) byUpper.set(upper, made);
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
const PLACES = 256;
const recently: (Spelling | undefined)[] = Array.from({ length: PLACES }, () => undefined);
const spellings = new Map<string, Spelling>();
const byUpper = new Map<string, HeaderName>();
