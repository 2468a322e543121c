/** What RFC 9112 and 9110 forbid never reaches an application, whole or byte by byte. */

import net from "node:net";
import { describe, expect, test } from "vitest";
import { RawClient } from "../../conformance/http-reader.ts";
import { withEngine, recorder, type Seen } from "./ask-engine.ts";
import { BROKEN_BODIES, chunked, post, REFUSED } from "./refused-messages.ts";

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

test.each([
  ["GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "the request line is malformed"],
  ["\r\nGET / HTTP/1.1\nHost: h\r\n\r\n", "the request line is malformed"],
  ["GET / HTTP/1.1\r\nHost : h\r\n\r\n", "a header is malformed"],
  ["GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", "a header is malformed"],
])("%j is told to be what it is", async (request, sentence) => {
  await withEngine(recorder([]), {}, async (connect) => {
    for (const pieces of [[request], request.split("")]) {
      const client = connect();
      for (const piece of pieces) client.send(piece);
      expect((await client.response())?.body.toString()).toBe(`${sentence}\n`);
    }
  });
});

test("headers that repeat are joined in whatever spelling, also when more names have come than are kept", async () => {
  const seen: Seen[] = [];
  await withEngine(recorder(seen), {}, async (connect) => {
    const client = connect();
    const names = Array.from({ length: 3000 }, (_, i) => `n${i}: x\r\n`);
    for (let i = 0; i < names.length; i += 90) {
      client.send(`GET / HTTP/1.1\r\nHost: h\r\n${names.slice(i, i + 90).join("")}\r\n`);
      expect((await client.response())?.status).toBe(200);
    }
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Late: 1\r\nx-late: 2\r\nX-LATE: 3\r\nX-Late: 4\r\n\r\n");
    expect((await client.response())?.status).toBe(200);
    expect(seen.at(-1)?.environ.HTTP_X_LATE).toBe("1, 2, 3, 4");
  });
});

test.each([
  ["the engine", "GET / HTTP/1.1\r\nA: b\r\n\r\n"],
  ["the gateway", "GET * HTTP/1.1\r\nHost: h\r\n\r\n"],
])("a client that sends on behind what %s refuses is read until it has ended, and not reset", async (_, request) => {
  await withEngine(recorder([]), {}, async (_connect, { port }) => {
    const client = new RawClient(net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
    client.send(request);
    expect((await client.response())?.status).toBe(400);
    expect(await client.ended()).toBe("");
    for (let i = 0; i < 20; i++) {
      client.send("GET /more HTTP/1.1\r\nHost: h\r\n\r\n".repeat(100));
      await new Promise(setImmediate);
    }
    const isClosed = new Promise((resolve) => client.socket.once("close", resolve));
    client.socket.end();
    await isClosed;
    expect(client.wasReset).toBe(false);
  });
});
