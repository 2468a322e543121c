/**
 * Lines of the access log in gunicorn's atoms. A format is compiled once; a value that a client chose is escaped as
 * Apache does it, so that it can neither end the line nor leave its quotes. No value at all is `-`.
 */

import type { Atom, FormatPart } from "../config/access-format.ts";
import type { AccessEntry, FormatLine } from "./access-entry.ts";
import { localTime } from "./access-time.ts";
import { isPlain } from "./plain-text.ts";

type Value = (entry: AccessEntry) => string;

/** Makes a function of a format. `pid` is that of the process that writes the lines. */
export function compileText(parts: readonly FormatPart[], pid: number): FormatLine {
  const values = joined([...parts.map((part) => valueOf(part, pid)), "\n"]);
  return (entry) => {
    let line = "";
    for (const value of values) line += typeof value === "string" ? value : value(entry);
    return line;
  };
}

/** Nothing that could be taken for the end of a line or of a quoted value, and nothing beyond ASCII. */
export function escaped(text: string): string {
  return isPlain(text) ? text : text.replaceAll(EACH_UNSAFE, escape);
}

/** The user of HTTP Basic authentication (RFC 7617), or undefined. */
export function basicUser(entry: AccessEntry): string | undefined {
  const authorization = entry.header("authorization");
  const credentials = typeof authorization === "string" ? BASIC.exec(authorization)?.[1] : undefined;
  if (credentials === undefined) return undefined;
  const decoded = Buffer.from(credentials, "base64").toString("latin1");
  return decoded.slice(0, decoded.indexOf(":") + 1).slice(0, -1) || undefined;
}

/** The target without its query, and that, both raw. */
export function splitTarget(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** What never changes is one piece. */
function joined(values: readonly (string | Value)[]): readonly (string | Value)[] {
  const result: (string | Value)[] = [];
  for (const value of values) {
    const last = result.at(-1);
    if (typeof value === "string" && typeof last === "string") result[result.length - 1] = last + value;
    else result.push(value);
  }
  return result;
}

function valueOf(part: FormatPart, pid: number): string | Value {
  if ("text" in part) return bytesOf(part.text);
  if ("atom" in part) return part.atom === "p" ? `<${pid}>` : ATOM_VALUES[part.atom];
  const { name } = part;
  switch (part.named) {
    case "i":
      return (entry) => orDash(entry.header(name));
    case "o":
      return (entry) => orDash(entry.replyHeader(name));
    case "e":
      return (entry) => {
        const value = entry.variable(name);
        return value === undefined ? "-" : orDash(bytesOf(value));
      };
  }
}

const ATOM_VALUES: Readonly<Record<Exclude<Atom, "p">, string | Value>> = {
  h: ({ address }) => address ?? "-",
  l: "-",
  u: (entry) => orDash(basicUser(entry)),
  t: ({ endedAt }) => localTime(endedAt),
  r: requestLine,
  m: ({ method }) => method || "-",
  U: ({ method, target }) => (method === "" ? "-" : escaped(bytesOf(decoded(splitTarget(target)[0])))),
  q: ({ target }) => escaped(splitTarget(target)[1]),
  H: ({ method, version }) => (method === "" ? "-" : `HTTP/${version}`),
  s: ({ status }) => String(status),
  B: ({ bytes }) => String(bytes),
  b: ({ bytes }) => (bytes === 0 ? "-" : String(bytes)),
  f: (entry) => orDash(entry.header("referer")),
  a: (entry) => orDash(entry.header("user-agent")),
  T: ({ durationMs }) => String(Math.trunc(durationMs / 1000)),
  D: ({ durationMs }) => String(Math.round(durationMs * 1000)),
  M: ({ durationMs }) => String(Math.trunc(durationMs)),
  L: ({ durationMs }) => (durationMs / 1000).toFixed(6),
};

function requestLine({ method, target, version }: AccessEntry): string {
  return method === "" ? "-" : `${method} ${escaped(target)} HTTP/${version}`;
}

/** Of several values of a header all, as Node joins them; what an application has put there is whatever it is. */
function orDash(value: string | readonly string[] | undefined): string {
  if (value === undefined || value.length === 0) return "-";
  return escaped(typeof value === "string" ? value : String(value));
}

/** A path that is not UTF-8 when decoded stays as it was sent. */
function decoded(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Text as its UTF-8 bytes, one character each. */
function bytesOf(text: string): string {
  return BEYOND_ASCII.test(text) ? Buffer.from(text).toString("latin1") : text;
}

function escape(character: string): string {
  const code = character.charCodeAt(0);
  // Only an application can have put it there: one character of a client's is one byte.
  if (code > 0xff) return "?";
  return NAMED[character] ?? String.raw`\x${code.toString(16).padStart(2, "0")}`;
}

const NAMED: Readonly<Record<string, string>> = {
  '"': String.raw`\"`,
  "\\": String.raw`\\`,
  "\b": String.raw`\b`,
  "\t": String.raw`\t`,
  "\n": String.raw`\n`,
  "\v": String.raw`\v`,
  "\r": String.raw`\r`,
};

const BASIC = /^basic +([A-Za-z0-9+/=_-]+) *$/i;
const BEYOND_ASCII = /[\x80-\uffff]/;
const EACH_UNSAFE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;
