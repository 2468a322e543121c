/** A head that has come before is not parsed again, and means what it would if it were. */

import { expect, test } from "vitest";
import { Engine } from "../../../src/http/index.ts";
import { engineReader, type Reader } from "../../fuzz/servers.ts";

const HEADS: readonly (readonly [what: string, request: string])[] = [
  ["a request alone", "GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\ncookie: b=2\r\nX-Y:  z \r\n\r\n"],
  ["a request behind an empty line", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"],
  ["a request of HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
  ["a request that ends its connection", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["an upgrade that nobody takes", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"],
  ["a body of a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nhello\r\n\r\nabc"],
  ["a body in chunks", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n"],
  ["a refused request", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"],
  ["a refused target", "GET * HTTP/1.1\r\nHost: h\r\n\r\n"],
];
const TIMES = 4;
const NEXT = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";

/** A head that comes in two pieces is always parsed. */
const parsed = (read: Reader, request: string, ...behind: readonly string[]) =>
  read([request.slice(0, 1), request.slice(1), ...behind]);

test.each(HEADS)("%s: each time the same", async (_, request) => {
  const read = engineReader(Engine);
  const expected = await parsed(read, request, NEXT);
  for (let time = 0; time < TIMES; time++) expect(await read([request, NEXT])).toEqual(expected);
  const pipelined = await parsed(read, request + request + NEXT);
  for (let time = 0; time < TIMES; time++) expect(await read([request + request + NEXT])).toEqual(pipelined);
  const alternating = [request, NEXT, request, NEXT, request];
  const others = await read(alternating.flatMap((text) => [text.slice(0, 1), text.slice(1)]));
  for (let time = 0; time < TIMES; time++) expect(await read(alternating)).toEqual(others);
});

test.each(HEADS)("%s: not when a byte differs", async (_, request) => {
  const read = engineReader(Engine);
  for (let time = 0; time < TIMES; time++) await read([request, NEXT]);
  for (let at = 0; at < request.length; at++) {
    for (const byte of ["0", "x", " ", ":", "\r", "\n", ""]) {
      const changed = request.slice(0, at) + byte + request.slice(at + 1);
      // With which status it is refused may depend on how much had come.
      const { requests, refusal, hasEnded } = await parsed(read, changed, NEXT);
      for (let time = 0; time < TIMES; time++) {
        const reading = await read([changed, NEXT]);
        expect(reading, changed).toMatchObject({ requests, hasEnded });
        expect(reading.refusal === undefined, changed).toBe(refusal === undefined);
      }
    }
  }
});

test("each engine reads by its own rules", async () => {
  const request = "GET / HTTP/1.1\r\nHost: h\r\nA-Header: 12345\r\n\r\n";
  class Strict extends Engine {
    constructor(application: ConstructorParameters<typeof Engine>[0]) {
      super(application, { limits: { requestFieldSize: 12 } });
    }
  }
  const [lenient, strict] = [engineReader(Engine), engineReader(Strict)];
  for (let time = 0; time < TIMES; time++) {
    expect((await lenient([request])).requests.length).toBe(1);
    expect((await strict([request])).refusal).toBe(431);
  }
});
