/**
 * The language of `--access-logformat`: gunicorn's atoms, `%(h)s` and `%({user-agent}i)s`, in any text; or one of two
 * names. Parsed here, where a mistake can still be told to whoever wrote it; what an atom is worth is known elsewhere.
 */

import { REQUEST_ID_HEADER } from "../request-id.ts";
import { nearest } from "./nearest.ts";
import { quoted, ValueError } from "./value-error.ts";

/** The atoms of one letter, with what each is, in words. */
export const ATOMS = {
  h: "address of the peer",
  l: "always -",
  u: "user of HTTP Basic authentication",
  t: "time at which the reply ended, in brackets",
  r: "request line, with the raw target",
  m: "method",
  U: "path, percent-decoded",
  q: "query, without the question mark",
  H: "protocol",
  s: "status",
  B: "bytes of the reply's body",
  b: "the same, - for none",
  f: "Referer",
  a: "User-Agent",
  T: "duration in whole seconds",
  D: "duration in microseconds",
  M: "duration in milliseconds",
  L: "duration in seconds, with six decimals",
  p: "process id of the worker, in angle brackets",
} as const;

export type Atom = keyof typeof ATOMS;

/** A piece of a format: text as it is, a named value of request (`i`), reply (`o`) or environ (`e`), or an atom. */
export type FormatPart =
  { readonly text: string } | { readonly atom: Atom } | { readonly named: "i" | "o" | "e"; readonly name: string };

/** What a format may be called instead of being written out; `json` has no parts. */
export const NAMED_FORMATS = {
  combined: '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
  json: undefined,
} as const;

/** Reads a format; `json` for that of this name. Throws `ValueError`. */
export function parseAccessFormat(value: unknown): "json" | readonly FormatPart[] {
  if (typeof value !== "string") throw new ValueError(`${quoted(value)} is not a format; give a string`);
  if (value === "json") return "json";
  const parts = partsOf(value === "combined" ? NAMED_FORMATS.combined : value);
  if (parts.some((part) => !("text" in part))) return parts;
  const near = nearest(value, Object.keys(NAMED_FORMATS));
  const hint = near === undefined ? "give combined, json, or atoms such as %(h)s and %(s)s" : `did you mean ${near}?`;
  throw new ValueError(`${quoted(value)} holds no atom; ${hint}`);
}

/** A format as it is written, when it can be read. Throws `ValueError`. */
export function readAccessFormat(value: unknown): string {
  parseAccessFormat(value);
  return value as string;
}

/** Whether a line in this format tells the request's id. Of a format that can be read. */
export function showsRequestId(format: string): boolean {
  const parts = parseAccessFormat(format);
  return parts === "json" || parts.some((part) => "named" in part && part.name === REQUEST_ID_HEADER);
}

function partsOf(format: string): readonly FormatPart[] {
  // oxlint-disable-next-line no-control-regex -- a line is broken by them
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(format))
    throw new ValueError(`${quoted(format)} holds a control character; give a format of one line`);
  const parts: FormatPart[] = [];
  let text = "";
  for (const [piece = "", inBrackets] of format.matchAll(PIECE)) {
    if (inBrackets === undefined) text += piece === "%%" ? "%" : plain(piece, format);
    else {
      if (text !== "") parts.push({ text });
      text = "";
      parts.push(atomOf(piece, inBrackets));
    }
  }
  return text === "" ? parts : [...parts, { text }];
}

function atomOf(piece: string, inBrackets: string): FormatPart {
  const [, name, named] = /^\{([^{}]*)\}(.?)$/s.exec(inBrackets) ?? [];
  if (!piece.endsWith("s")) throw new ValueError(`${piece} is not an atom; did you mean %(${inBrackets})s?`);
  if (name === undefined) {
    if (Object.hasOwn(ATOMS, inBrackets)) return { atom: inBrackets as Atom };
    throw unknownAtom(piece, inBrackets);
  }
  if (named !== "i" && named !== "o" && named !== "e") {
    const hint = `did you mean %({${name}}i)s?`;
    throw new ValueError(
      `${piece} is not known; ${hint} (i for a request header, o for a reply header, e for environ)`,
    );
  }
  if (!(named === "e" ? VARIABLE : TOKEN).test(name))
    throw new ValueError(`${piece}: ${quoted(name)} is not the name of a ${named === "e" ? "variable" : "header"}`);
  return { named, name: named === "e" ? name : name.toLowerCase() };
}

function unknownAtom(piece: string, inBrackets: string): ValueError {
  const letters = Object.keys(ATOMS);
  const word = nearest(inBrackets, Object.keys(WORDS));
  const near = letters.find((letter) => letter.toLowerCase() === inBrackets.toLowerCase()) ?? WORDS[word ?? ""];
  const guesses = near === undefined ? [] : [`%(${near})s`];
  if (/^\w[\w-]+$/.test(inBrackets)) guesses.push(`%({${inBrackets}}i)s for a header of the request`);
  const hint =
    guesses.length > 0 ? `did you mean ${guesses.join(", or ")}?` : `there are ${letters.join(" ")}, as in %(h)s`;
  return new ValueError(`${piece} is not known; ${hint}`);
}

/** Text between atoms: a per cent sign in it is a slip. */
function plain(piece: string, format: string): string {
  if (!piece.startsWith("%")) return piece;
  const letter = piece[1] ?? "";
  if (Object.hasOwn(ATOMS, letter)) throw new ValueError(`${piece} is not an atom; did you mean %(${letter})s?`);
  throw new ValueError(`${quoted(format)} has a % with no atom behind it; write %% for the sign itself`);
}

/** What people call them: a slip in one of these words names the letter. */
const WORDS: Readonly<Record<string, Atom>> = {
  host: "h",
  address: "h",
  user: "u",
  time: "t",
  date: "t",
  request: "r",
  method: "m",
  path: "U",
  url: "U",
  query: "q",
  protocol: "H",
  status: "s",
  bytes: "B",
  length: "b",
  referer: "f",
  referrer: "f",
  agent: "a",
  useragent: "a",
  duration: "L",
  seconds: "T",
  microseconds: "D",
  milliseconds: "M",
  pid: "p",
  process: "p",
};

/** `%%`, an atom with whatever stands in its brackets and one letter behind, a stray sign with what follows, or text. */
const PIECE = /%%|%\(((?:[^()]|\([^()]*\))*)\)[A-Za-z]?|%.?|[^%]+/gs;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VARIABLE = /^[\w.-]+$/;
