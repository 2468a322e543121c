import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalAddress } from "../../src/address-list.ts";
import { LONGEST_HEADER, type ProxiedClient, type ProxyVersion, readProxyHeader } from "../../src/proxy-header.ts";
import { binaryHeader, headerLine } from "../support/proxy-headers.ts";

const read = (bytes: string | Buffer, version: ProxyVersion = "auto"): ReturnType<typeof readProxyHeader> =>
  readProxyHeader(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, version);

/** What the header says, once it is known that its length is that of all bytes. */
function said(bytes: string | Buffer): ProxiedClient | string {
  const header = read(bytes);
  if (header.state !== "whole") return header.state === "refused" ? header.why : header.state;
  expect(header.length).toBe(bytes.length);
  return header.client ?? "nobody";
}

describe("version 1", () => {
  test.each([
    ["PROXY TCP4 192.0.2.7 203.0.113.1 4711 443\r\n", { address: "192.0.2.7", port: 4711 }],
    ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", { address: "255.255.255.255", port: 65_535 }],
    ["PROXY TCP6 2001:db8::1 2001:db8::2 0 443\r\n", { address: "2001:db8::1", port: 0 }],
    ["PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::1 4711 443\r\n", { address: "2001:db8::1", port: 4711 }],
    ["PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 443\r\n", { address: "192.0.2.7", port: 4711 }],
    ["PROXY UNKNOWN\r\n", "nobody"],
    ["PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "nobody"],
  ])("%j", (line, expected) => expect(said(line)).toEqual(expected));

  test.each([
    "PROXY TCP4 192.0.2.7 203.0.113.1 4711 443\n",
    "PROXY TCP4 192.0.2.7  203.0.113.1 4711 443\r\n",
    "PROXY TCP4 192.0.2.7 203.0.113.1 4711 443 \r\n",
    "PROXY TCP4 192.0.2.7 203.0.113.1 4711\r\n",
    "PROXY TCP4 192.0.2.7 203.0.113.1 65536 443\r\n",
    "PROXY TCP4 192.0.2.7 203.0.113.1 4711 70000\r\n",
    "PROXY TCP4 192.0.2.7 203.0.113.1 04711 443\r\n",
    "PROXY TCP4 192.0.2.256 203.0.113.1 4711 443\r\n",
    "PROXY TCP4 192.0.2.7 nowhere 4711 443\r\n",
    "PROXY TCP4 2001:db8::1 2001:db8::2 4711 443\r\n",
    "PROXY TCP6 192.0.2.7 203.0.113.1 4711 443\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n",
    "PROXY UDP4 192.0.2.7 203.0.113.1 4711 443\r\n",
    "PROXY UNKNOWNTCP4\r\n",
    "PROXY \r\n",
    "PROXY TCP4 192.0.2.7\r203.0.113.1 4711 443\r\n",
  ])("%j is malformed", (line) => expect(said(line)).toBe("malformed"));

  test("is over at 107 bytes", () => {
    const longest = `PROXY UNKNOWN ${"x".repeat(107 - 16)}\r\n`;
    expect(said(longest)).toBe("nobody");
    expect(said(longest.replace("x", "xx"))).toBe("oversized");
    expect(said("PROXY ".padEnd(106, "x"))).toBe("partial");
    expect(said("PROXY ".padEnd(107, "x"))).toBe("oversized");
  });
});

describe("version 2", () => {
  const inet = { address: "192.0.2.7", port: 4711 };

  test.each([
    ["a client over IPv4", binaryHeader(inet), inet],
    ["one over IPv6", binaryHeader({ address: "2001:db8::1", port: 4711 }), { address: "2001:db8::1", port: 4711 }],
    ["a mapped one", binaryHeader({ address: "::ffff:192.0.2.7", port: 1 }), { address: "192.0.2.7", port: 1 }],
    ["extensions behind the addresses", binaryHeader(inet, { extensions: Buffer.from("\x01\0\x02h2") }), inet],
    ["extensions that are none", binaryHeader(inet, { extensions: Buffer.alloc(3, 255) }), inet],
    ["LOCAL", binaryHeader(undefined), "nobody"],
    ["LOCAL with addresses", binaryHeader(inet, { command: 0 }), "nobody"],
    ["a family that is not said", binaryHeader(undefined, { command: 1 }), "nobody"],
    ["a unix socket", binaryHeader(undefined, { command: 1, family: 0x31, extensions: Buffer.alloc(216) }), "nobody"],
    ["datagrams", binaryHeader(inet, { family: 0x12 }), "nobody"],
  ])("%s", (_, header, expected) => expect(said(header)).toEqual(expected));

  test.each([
    ["version 1 in it", (header: Buffer) => header.writeUInt8(0x11, 12)],
    ["version 3 in it", (header: Buffer) => header.writeUInt8(0x31, 12)],
    ["an unknown command", (header: Buffer) => header.writeUInt8(0x22, 12)],
    ["an unknown family", (header: Buffer) => header.writeUInt8(0x41, 13)],
    ["an unknown protocol", (header: Buffer) => header.writeUInt8(0x13, 13)],
    ["no room for its addresses", (header: Buffer) => header.writeUInt16BE(11, 14)],
    ["no room for those of IPv6", (header: Buffer) => header.writeUInt8(0x21, 13)],
  ])("with %s is malformed", (_, spoil) => {
    const header = binaryHeader(inet);
    spoil(header);
    expect(said(header)).toBe("malformed");
  });

  test("is over at its longest, before all of it has come", () => {
    const extensions = Buffer.alloc(LONGEST_HEADER - 28);
    expect(said(binaryHeader(inet, { extensions }))).toEqual(inet);
    const longer = binaryHeader(inet, { extensions: Buffer.alloc(LONGEST_HEADER - 27) });
    expect(said(longer.subarray(0, 16))).toBe("oversized");
  });
});

test.each<[ProxyVersion, string | Buffer, string]>([
  ["v1", headerLine({ address: "192.0.2.7", port: 1 }), "whole"],
  ["v1", binaryHeader(undefined), "refused"],
  ["v2", binaryHeader(undefined), "whole"],
  ["v2", headerLine({ address: "192.0.2.7", port: 1 }), "refused"],
  ["auto", "GET / HTTP/1.1\r\n", "refused"],
  ["auto", "P", "partial"],
  ["auto", "\r\n", "partial"],
  ["v1", "\r\n", "refused"],
  ["auto", "PUT /", "refused"],
  ["auto", "proxy unknown\r\n", "refused"],
  ["auto", "", "partial"],
])("with %s %j is %s", (version, bytes, state) => {
  const header = read(bytes, version);
  expect(header.state).toBe(state);
  if (header.state === "refused") expect(header.why).toBe("missing");
});

describe("any header", () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6().filter((text) => !text.includes("%")),
  );
  const client = fc.record({ address, port: fc.integer({ min: 0, max: 65_535 }) });
  const header = fc.oneof(
    client.map((who) => ({ who, bytes: Buffer.from(headerLine(who), "latin1") })),
    fc.tuple(client, fc.uint8Array({ maxLength: 300 })).map(([who, extensions]) => ({
      who,
      bytes: binaryHeader(who, { extensions: Buffer.from(extensions) }),
    })),
  );

  test("says what was put into it, whatever follows, and is partial at each byte before its last", () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), ({ who, bytes }, rest) => {
        const expected = { address: normalAddress(who.address), port: who.port };
        expect(read(Buffer.concat([bytes, rest]))).toEqual({
          state: "whole",
          length: bytes.length,
          client: expected,
        });
        for (let length = 0; length < bytes.length; length++)
          expect(read(bytes.subarray(0, length)).state).toBe("partial");
      }),
      { numRuns: 200 },
    );
  });

  test("of any bytes: once refused or whole it stays so, however many follow", () => {
    const start = fc.constantFrom(
      "",
      "PROXY ",
      "PROXY TCP4 ",
      "\r\n\r\n\0\r\nQUIT\n",
      "\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c",
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 150 }), (begun, rest) => {
        const bytes = Buffer.concat([Buffer.from(begun, "latin1"), rest]);
        let settled: unknown;
        for (let length = 0; length <= bytes.length; length++) {
          const answer = read(bytes.subarray(0, length));
          if (settled !== undefined) expect(answer).toEqual(settled);
          else if (answer.state !== "partial") settled = answer;
        }
      }),
    );
  });
});
