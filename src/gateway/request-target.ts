/**
 * A raw request target taken apart (RFC 9112 section 3.2): origin-form, absolute-form, and `*` for OPTIONS. Pure
 * functions over strings in which one character is one byte.
 */

export interface RequestTarget {
  /** Percent-decoded UTF-8, U+FFFD for invalid bytes; "" for `*` and for an absolute target without a path. */
  readonly path: string;
  /** What follows the "?", raw; "" if nothing does. */
  readonly query: string;
  /** The `host[:port]` of an absolute-form, which then counts instead of the Host header; else undefined. */
  readonly authority: string | undefined;
}

/** Takes a target apart, or returns undefined for one that no server may accept. */
export function parseTarget(target: string, method: string): RequestTarget | undefined {
  if (target.includes("#")) return undefined;
  if (target.charCodeAt(0) === SLASH) return split(target, undefined);
  if (target === "*") return method === "OPTIONS" ? { path: "", query: "", authority: undefined } : undefined;
  const match = ABSOLUTE.exec(target);
  return match === null ? undefined : split(target.slice(match[0].length), match[1]);
}

/** Percent-decodes as UTF-8. Invalid bytes become U+FFFD; a "%" that no two hex digits follow stays. */
export function decodePath(path: string): string {
  if (PLAIN.test(path)) return path;
  if (!BEYOND_ASCII.test(path)) {
    try {
      return decodeURIComponent(path);
    } catch {
      // Not UTF-8, or a stray "%": byte by byte below.
    }
  }
  const bytes = path.replace(ESCAPE, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The target without its query, for logs: a query may hold secrets. */
export function withoutQuery(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? target : target.slice(0, mark);
}

function split(rest: string, authority: string | undefined): RequestTarget {
  const mark = rest.indexOf("?");
  if (mark < 0) return { path: decodePath(rest), query: "", authority };
  return { path: decodePath(rest.slice(0, mark)), query: rest.slice(mark + 1), authority };
}

const SLASH = 47;
const ABSOLUTE = /^https?:\/\/([^/?#]+)/i;
const PLAIN = /^[^%\x80-\uffff]*$/;
const BEYOND_ASCII = /[\x80-\uffff]/;
const ESCAPE = /%[0-9A-Fa-f]{2}/g;
