import { describe, expect, test } from "vitest";
import { refusalStatus, refusedEntry } from "../../../../src/worker/access/refused-entry.ts";

test.each([
  ["HPE_INVALID_METHOD", 400],
  ["HPE_HEADER_OVERFLOW", 431],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", 413],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
  ["ECONNRESET", undefined],
  ["EPIPE", undefined],
  [undefined, undefined],
])("%s is answered with %s", (code, status) => {
  expect(refusalStatus(Object.assign(new Error("x"), { code }))).toBe(status);
});

describe("the request line of what could not be read", () => {
  const entryOf = (rawPacket: unknown): unknown =>
    refusedEntry({ rawPacket }, { address: "::1", status: 400, endedAt: 1 });

  test.each([
    ["GET /a?b HTTP/1.1\r\nHost: x y\0\r\n", { method: "GET", target: "/a?b", version: "1.1" }],
    ["BREW /pot HTTP/1.0\nA: b\n", { method: "BREW", target: "/pot", version: "1.0" }],
    ["GET /a HTTP/1.1 and more\r\n", { method: "", target: "", version: "" }],
    ["of a header: GET / HTTP/1.1\r\n", { method: "", target: "", version: "" }],
    ["\x16\x03\x01\x02", { method: "", target: "", version: "" }],
    [`GET /${"a".repeat(10_000)} HTTP/1.1\r\n`, { method: "", target: "", version: "" }],
  ])("%j", (packet, expected) => {
    expect(entryOf(Buffer.from(packet, "latin1"))).toMatchObject({
      ...expected,
      address: "::1",
      status: 400,
      bytes: 0,
    });
  });

  test("is unknown where nothing is known", () => {
    expect(entryOf(undefined)).toMatchObject({ method: "", target: "" });
    expect(refusedEntry(undefined as never, { address: undefined, status: 408, endedAt: 1 })).toMatchObject({
      method: "",
    });
  });
});
