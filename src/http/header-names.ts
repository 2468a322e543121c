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

/** The name's record; for the same spelling the same object, as long as there is room. */
export function headerName(name: string): HeaderName {
  const known = names.get(name);
  if (known !== undefined) return known;
  const made = makeName(name);
  if (names.size < LIMIT) names.set(name, made);
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
const names = new Map<string, HeaderName>();
const byUpper = new Map<string, HeaderName>();
