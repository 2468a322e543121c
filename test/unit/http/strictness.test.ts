/** What RFC 9112 and 9110 forbid never reaches an application, whole or byte by byte. */

import { describe, expect, test } from "vitest";
import { withEngine, recorder, type Seen } from "./ask-engine.ts";

const H = "Host: h\r\n";
const post = (fields: string, body = "") => `POST / HTTP/1.1\r\n${H}${fields}\r\n${body}`;
const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body);

const REFUSED: readonly (readonly [what: string, status: number, request: string])[] = [
  ["two lengths", 400, post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")],
  ["two lengths that differ", 400, post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc")],
  ["a list of lengths", 400, post("Content-Length: 3, 3\r\n", "abc")],
  ["a length with a sign", 400, post("Content-Length: +3\r\n", "abc")],
  ["a negative length", 400, post("Content-Length: -3\r\n", "abc")],
  ["a length in hex", 400, post("Content-Length: 0x3\r\n", "abc")],
  ["an empty length", 400, post("Content-Length:\r\n", "abc")],
  ["a length beyond all numbers", 400, post("Content-Length: 99999999999999999999\r\n", "abc")],
  ["a length beyond what can be counted", 400, post("Content-Length: 9007199254740993\r\n", "abc")],
  ["a length beside chunks", 400, post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  ["chunks beside a length", 400, post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")],
  ["chunks on HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a coding that does not end in chunked", 400, post("Transfer-Encoding: gzip\r\n")],
  ["a coding before chunked", 501, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")],
  ["chunked twice in a list", 400, post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")],
  ["chunked twice in two fields", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")],
  ["an empty coding", 400, post("Transfer-Encoding:\r\n")],
  ["a bare LF in the request line", 400, "GET / HTTP/1.1\nHost: h\r\n\r\n"],
  ["a bare LF behind a header", 400, "GET / HTTP/1.1\r\nHost: h\n\r\n"],
  ["a bare LF for the empty line", 400, "GET / HTTP/1.1\r\nHost: h\r\n\n"],
  ["a bare CR in a header", 400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n"],
  ["a folded header", 400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"],
  ["a space before the first header", 400, "GET / HTTP/1.1\r\n Host: h\r\n\r\n"],
  ["a space before a colon", 400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"],
  ["a header without a name", 400, "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"],
  ["a header without a colon", 400, "GET / HTTP/1.1\r\nHost: h\r\nabc\r\n\r\n"],
  ["a NUL in a header", 400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n"],
  ["a control character in a header", 400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\x07c\r\n\r\n"],
  ["a DEL in a header", 400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\x7fc\r\n\r\n"],
  ["a control character in the target", 400, "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["no Host", 400, "GET / HTTP/1.1\r\nA: b\r\n\r\n"],
  ["no header at all", 400, "GET / HTTP/1.1\r\n\r\n"],
  ["two Hosts", 400, "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"],
  ["two hosts in one", 400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"],
  ["a host with a path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
  ["a host with a user", 400, "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"],
  ["a port that is none", 400, "GET / HTTP/1.1\r\nHost: h:8o\r\n\r\n"],
  ["an absolute target of another scheme", 400, "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an absolute target without a host", 400, "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an absolute target with a user", 400, "GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an https target where nothing is encrypted", 421, "GET https://h/x HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an asterisk for GET", 400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an authority for GET", 400, "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["CONNECT", 501, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"],
  ["a target without a slash", 400, "GET x HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a fragment", 400, "GET /x#y HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["two spaces before the target", 400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["two spaces before the version", 400, "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a space behind the version", 400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"],
  ["a tab in the request line", 400, "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a LF before the request", 400, "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["two empty lines before the request", 400, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["HTTP/0.9", 400, "GET /\r\n\r\n"],
  ["HTTP/0.9 by name", 505, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"],
  ["HTTP/2.0", 505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"],
  ["HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"],
  ["the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a version in small letters", 400, "GET / http/1.1\r\nHost: h\r\n\r\n"],
  ["a method in small letters", 501, "get / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["an unknown method", 501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a method of RTSP", 400, "DESCRIBE / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a method of ICE", 501, "SOURCE / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a method that is no token", 400, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["what is not HTTP", 400, "\x16\x03\x01\x02\x00\x01\x00\x01"],
  ["another expectation", 417, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx"],
];

/** Their head is in order: the application is called, and its body breaks off. */
const BROKEN_BODIES: readonly (readonly [what: string, status: number, request: string])[] = [
  ["a chunk size that is none", 400, chunked("x\r\n")],
  ["a chunk size with a sign", 400, chunked("+3\r\nabc\r\n0\r\n\r\n")],
  ["a chunk size with 0x", 400, chunked("0x3\r\nabc\r\n0\r\n\r\n")],
  ["a chunk size beyond all numbers", 400, chunked("fffffffffffffffff\r\n")],
  ["an empty chunk size", 400, chunked("\r\nabc\r\n0\r\n\r\n")],
  ["a space behind a chunk size", 400, chunked("3 \r\nabc\r\n0\r\n\r\n")],
  ["a bare LF behind a chunk size", 400, chunked("3\nabc\r\n0\r\n\r\n")],
  ["a bare LF behind a chunk", 400, chunked("3\r\nabc\n0\r\n\r\n")],
  ["a chunk longer than its size", 400, chunked("3\r\nabcd\r\n0\r\n\r\n")],
  ["a CR in an extension", 400, chunked("3;a=b\rc\r\nabc\r\n0\r\n\r\n")],
  ["a bare LF in an extension", 400, chunked("3;a=b\nc\r\nabc\r\n0\r\n\r\n")],
  ["a bare LF behind the trailers", 400, chunked("0\r\n\n")],
  ["a trailer that is a length", 400, chunked("0\r\nContent-Length: 3\r\n\r\n")],
  ["a trailer that is a coding", 400, chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n")],
  ["a trailer that is a host", 400, chunked("0\r\nHost: other\r\n\r\n")],
  ["a trailer that is an authorization", 400, chunked("0\r\nAuthorization: x\r\n\r\n")],
  ["a folded trailer", 400, chunked("0\r\nA: b\r\n c\r\n\r\n")],
  ["extensions without end", 413, chunked(`3;${"a".repeat(20_000)}\r\nabc\r\n0\r\n\r\n`)],
  ["many small extensions", 413, chunked("1;abcdefghijklmnopqrstuvwxyzabcdefgh\r\nx\r\n".repeat(2000))],
  ["trailers without end", 431, chunked(`0\r\n${"A: b\r\n".repeat(200)}\r\n`)],
];

describe.each([
  ["in one piece", (request: string) => [request]],
  ["byte by byte", (request: string) => request.split("")],
])("%s", (how, split) => {
  const sent = how === "in one piece" ? REFUSED : REFUSED.filter(([, , request]) => request.length < 500);
  test.each(sent)("%s: refused with %d", async (_, status, request) => {
    await isRefused(split(request), status, 0);
  });

  const bodies = how === "in one piece" ? BROKEN_BODIES : BROKEN_BODIES.filter(([, , text]) => text.length < 500);
  test.each(bodies)("%s: the body breaks off, and %d", async (_, status, request) => {
    await isRefused(split(request), status, 0);
  });
});

/** Sends the pieces each for itself; behind them a request that must not be served. */
async function isRefused(pieces: readonly string[], status: number, wanted: number): Promise<void> {
  const seen: Seen[] = [];
  await withEngine(recorder(seen), {}, async (connect) => {
    const client = connect();
    client.socket.setNoDelay(true);
    for (const piece of pieces) {
      client.send(piece);
      if (pieces.length > 1) await new Promise(setImmediate);
    }
    client.send("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    const response = await client.response();
    expect(response?.status).toBe(status);
    expect(response?.headers).toContainEqual(["connection", "close"]);
    client.socket.end();
    expect(await client.ended()).toBe("");
    expect(seen.length).toBe(wanted);
  });
}

const TAKEN: readonly (readonly [what: string, request: string, body: string])[] = [
  ["one empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", ""],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", ""],
  ["no Host on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ""],
  ["an asterisk for OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", ""],
  ["leading zeros in a length", post("Content-Length: 003\r\n", "abc"), "abc"],
  ["chunked in capitals", post("Transfer-Encoding: CHUNKED\r\n", "3\r\nabc\r\n0\r\n\r\n"), "abc"],
  ["an extension", chunked("3;a=b\r\nabc\r\n0\r\n\r\n"), "abc"],
  ["a quoted extension", chunked('3;a="b;c"\r\nabc\r\n0\r\n\r\n'), "abc"],
  ["trailers", chunked("3\r\nabc\r\n0\r\nA: b\r\nB: c\r\n\r\n"), "abc"],
  ["leading zeros in a chunk size", chunked("0003\r\nabc\r\n000\r\n\r\n"), "abc"],
  ["chunks of one byte", chunked("1\r\nx\r\n".repeat(5000) + "0\r\n\r\n"), "x".repeat(5000)],
];

test.each(TAKEN)("%s: taken, and what follows as well", async (_, request, body) => {
  const seen: Seen[] = [];
  await withEngine(recorder(seen), {}, async (connect) => {
    const client = connect();
    client.send(request);
    expect((await client.response())?.status).toBe(200);
    if (!request.includes("HTTP/1.0")) {
      client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
      expect((await client.response())?.status).toBe(200);
    }
    expect(seen[0]?.body).toBe(body);
    // Nothing of the body's framing is left over for the request behind it.
    expect(seen.slice(1).map(({ environ }) => environ.PATH_INFO)).toEqual(
      request.includes("HTTP/1.0") ? [] : ["/next"],
    );
  });
});

test("names with an underscore are dropped, or refused where that is asked for", async () => {
  const request = "GET / HTTP/1.1\r\nHost: h\r\nX_Real_Ip: 1\r\n\r\n";
  const seen: Seen[] = [];
  await withEngine(recorder(seen), {}, async (connect) => {
    const client = connect();
    client.send(request);
    expect((await client.response())?.status).toBe(200);
    expect(seen[0]?.environ.HTTP_X_REAL_IP).toBeUndefined();
  });
  await withEngine(recorder(seen), { refusesUnderscores: true }, async (connect) => {
    const client = connect();
    client.send(request);
    expect((await client.response())?.status).toBe(400);
    expect(seen.length).toBe(1);
  });
});
