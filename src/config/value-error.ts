/**
 * The complaint of a parser about one value. It says what is wrong and what would do, but not where the value stood:
 * whoever read it (flag, variable, file key) adds that. Never shown as it is.
 */

/** A value that cannot be used; the message is the second half of a sentence: `"x" is not a whole number; give …`. */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

/** A value as it is shown in a complaint: strings in quotes, everything else in a few characters of JSON. */
export function quoted(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint" || typeof value === "symbol" || value === undefined) return String(value);
  return shortened(asJson(value));
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "an object that refers to itself";
  }
}

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

const LONGEST = 80;
