/** The `Range` header (RFC 9110 section 14.2). Pure. */

/** Both ends are part of it. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The ranges of a body of `size` bytes that are asked for, overlapping and adjacent ones as one; `unsatisfiable` when it
 * has none of them; undefined for a header that is to be ignored: of another unit, malformed, or with too many ranges.
 */
export function parseRanges(header: string, size: number): readonly ByteRange[] | "unsatisfiable" | undefined {
  const [, list] = BYTES.exec(header) ?? [];
  if (list === undefined) return undefined;
  const specs = list.split(",").map((spec) => spec.trim());
  const asked = specs.filter((spec) => spec !== "").map((spec) => SPEC.exec(spec));
  if (asked.length === 0 || asked.length > MOST_RANGES) return undefined;
  const ranges: ByteRange[] = [];
  for (const match of asked) {
    const [, first = "", last = ""] = match ?? [];
    if ((first === "" && last === "") || (first !== "" && last !== "" && Number(first) > Number(last)))
      return undefined;
    const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
    if (start <= end) ranges.push({ start, end });
  }
  return ranges.length === 0 ? "unsatisfiable" : joined(ranges);
}

/** Where the first of the ranges that touch each other stood, their union stands. */
function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const result: ByteRange[] = [];
  for (const range of ranges) {
    let { start, end } = range;
    let place = result.length;
    for (let i = result.length - 1; i >= 0; i -= 1) {
      const other = result[i] as ByteRange;
      if (other.start > end + 1 || start > other.end + 1) continue;
      start = Math.min(start, other.start);
      end = Math.max(end, other.end);
      result.splice(i, 1);
      place = i;
    }
    result.splice(place, 0, { start, end });
  }
  return result;
}

const BYTES = /^bytes *=(.*)$/i;
const SPEC = /^(\d*)-(\d*)$/;
/** Nobody who reads a document in pieces asks for more at once; each costs a head of its own. */
const MOST_RANGES = 16;
