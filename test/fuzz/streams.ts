/**
 * Byte streams of clients, from honest to hostile: requests put together of parts that parsers are known to disagree
 * about, then mutated, then split. One character is one byte.
 */

import type { Random } from "./random.ts";

/** The pieces in which a client sends its bytes. */
export function makeStream(random: Random): string[] {
  let text = "";
  for (let count = 1 + random.below(3); count > 0; count--) text += makeRequest(random);
  for (let count = random.once(3) ? 1 + random.below(2) : 0; count > 0; count--) text = mutate(random, text);
  return split(random, text);
}

function makeRequest(random: Random): string {
  const line = `${often(random, "GET", METHODS)}${often(random, " ", GAPS)}${often(random, "/", TARGETS)}${often(random, " ", GAPS)}${often(random, "HTTP/1.1", VERSIONS)}`;
  const fields = random.once(40) ? [] : [often(random, "Host: h", HOSTS)];
  for (let count = random.below(4); count > 0; count--) fields.push(random.pick(random.once(4) ? FIELDS : HONEST));
  let body = "";
  const kind = random.below(5);
  if (kind === 1 || kind === 3) {
    body = "x".repeat(random.below(30));
    fields.push(`Content-Length: ${random.once(8) ? random.pick(LENGTHS) : body.length}`);
  }
  if (kind === 2 || (kind === 3 && random.once(6))) {
    body = makeChunks(random);
    fields.push(random.once(8) ? random.pick(CODINGS) : "Transfer-Encoding: chunked");
  }
  const end = random.once(100) ? random.pick(ENDS) : "\r\n";
  return `${random.once(60) ? random.pick(ENDS) : ""}${line}${end}${fields.map((field) => field + eol(random)).join("")}\r\n${body}`;
}

function makeChunks(random: Random): string {
  let text = "";
  for (let count = random.below(4); count > 0; count--) {
    const data = random.pick(DATA);
    const size = random.once(12) ? random.pick(SIZES) : data.length.toString(16);
    text += `${size}${random.once(4) ? random.pick(EXTENSIONS) : ""}${eol(random)}${data}${eol(random)}`;
  }
  return `${text}0${random.once(12) ? random.pick(EXTENSIONS) : ""}\r\n${random.once(5) ? random.pick(TRAILERS) + eol(random) : ""}\r\n`;
}

/** Mostly what is usual. */
function often(random: Random, usual: string, others: readonly string[]): string {
  return random.once(10) ? random.pick(others) : usual;
}

function eol(random: Random): string {
  return random.once(150) ? random.pick(ENDS) : "\r\n";
}

function mutate(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + random.pick(NASTY) + text.slice(at);
    case 1:
      return text.slice(0, at) + random.pick(NASTY) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + random.below(3));
    case 3: {
      const end = at + random.below(20);
      return text.slice(0, end) + text.slice(at, end) + text.slice(end);
    }
    case 4:
      return text.slice(0, at);
    default: {
      const line = text.indexOf("\r\n", at);
      return line < 0 ? text : text.slice(0, line) + random.pick(ENDS) + text.slice(line + 2);
    }
  }
}

function split(random: Random, text: string): string[] {
  const how = random.below(5);
  if (how === 0) return [text];
  // At every boundary that means something to a parser, before it or behind it.
  if (how === 1) return text.split(/(?<=\n)/);
  if (how === 2) return text.split(/(?=[\r\n:; ])/);
  if (how === 3 && text.length < 200) return text.split("");
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const length = 1 + random.below(40);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

const METHODS = [
  ..."GET GET GET POST POST PUT HEAD DELETE OPTIONS PATCH get G(T BREW CONNECT PRI M-SEARCH".split(" "),
  "",
];
const GAPS = [" ", "  ", "\t", "", "\v"];
const TARGETS = [
  ..."/ /a /a /b?c=d /b?c=d /%2e/ /a/../b * http://h/x http://other/x https://h/ //h/x h:80 x /a#b /\u00e9 /a\u0000b".split(
    " ",
  ),
  "",
];
const VERSIONS = [
  ..."HTTP/1.0 HTTP/1.0 HTTP/0.9 HTTP/2.0 HTTP/1.2 HTTP/11 http/1.1 HTTP/1.1.1 ICE/1.0 RTSP/1.0".split(" "),
  "",
];
const HOSTS = [
  "Host: h",
  "Host: a\r\nHost: b",
  "Host:",
  "Host: a, b",
  "Host: a/b",
  "Host : h",
  "host: H:80",
  "Host: [::1]:8",
  "Host: h:x",
];
const HONEST = [
  "Accept: */*",
  "Cookie: a=b; c=d",
  "X-Empty:",
  "X-Padded:  a  b  ",
  "Connection: keep-alive",
  "Trailer: X-T",
];
const FIELDS = [
  "Accept: */*",
  "Cookie: a=b; c=d",
  "Connection: close",
  "Connection: keep-alive",
  "Connection: keep-alive, Upgrade\r\nUpgrade: x",
  "Connection: Transfer-Encoding",
  "Expect: 100-continue",
  "Expect: 200-ok",
  "X_Under: score",
  "X-Empty:",
  "X-Blank:   ",
  "X-Padded:  a  b  ",
  "X-Latin: caf\u00e9",
  "X-Folded: a\r\n b",
  "X-Tab:\ta\t",
  "X-Control: a\u0001b",
  "X-Nul: a\u0000b",
  "X-Cr: a\rb",
  ": nameless",
  "colonless",
  "X Space: a",
  "Content-Length: 0",
  "Content-Length: 3",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: chunked",
  "Trailer: X-T",
];
const LENGTHS = [
  "+3",
  "-1",
  "3, 3",
  "0x3",
  "3 ",
  "03",
  "",
  "3\r\nContent-Length: 3",
  "3\r\nContent-Length: 4",
  "99999999999999999999",
  "1e1",
];
const CODINGS = [
  "Transfer-Encoding: gzip",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, gzip",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding:\tchunked",
  "Transfer-Encoding: CHUNKED",
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding : chunked",
  "Transfer-Encoding:",
  "transfer-encoding:chunked",
  "Transfer_Encoding: chunked",
];
const DATA = ["a", "bcd", "GET / HTTP/1.1\r\nHost: smuggled\r\n\r\n", "0\r\n\r\n", "x".repeat(20), "\r\n"];
const SIZES = ["+1", "-1", "0x1", "1 ", " 1", "01", "", "1g", "fffffffff", "10000000000000000", "FFFFFFFFFFFFFFFFF"];
const EXTENSIONS = [
  ";a",
  ";a=b",
  '; a = "b;c"',
  ';a="b\\"c"',
  ";a=b\rc",
  ";a=b\nc",
  ";",
  ";;",
  " ;a",
  ';a="b',
  ";\u00e9",
  "\t",
  ";a=b;c=d",
];
const TRAILERS = [
  "X-T: 1",
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "Host: other",
  "X-T : 1",
  "X-T: a\r\n b",
  "nonsense",
  "X-T:",
];
const ENDS = ["\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "", " \r\n"];
const NASTY = [
  "\r",
  "\n",
  "\r\n",
  " ",
  "\t",
  "\0",
  ":",
  ";",
  ",",
  "0",
  "1",
  "f",
  "\v",
  "\f",
  "\x7f",
  "\x80",
  "\xff",
  "-",
  "\r\n\r\n",
  "G",
  "/",
];
