import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress, LONGEST_UNIX_PATH, parseBindAddress } from "../../../src/config/bind-address.ts";
import { ValueError } from "../../../src/config/value-error.ts";
import type { BindAddress } from "../../../src/config/types.ts";

const tcp = (host: string | null, port: number): BindAddress => ({ kind: "tcp", host, port });

describe("an address", () => {
  test.each<[string | number, BindAddress]>([
    ["127.0.0.1:8000", tcp("127.0.0.1", 8000)],
    ["localhost:80", tcp("localhost", 80)],
    ["my-host.example.org:80", tcp("my-host.example.org", 80)],
    [":8000", tcp(null, 8000)],
    ["*:8000", tcp(null, 8000)],
    ["8000", tcp(null, 8000)],
    [8000, tcp(null, 8000)],
    ["0", tcp(null, 0)],
    ["127.0.0.1:0", tcp("127.0.0.1", 0)],
    [":65535", tcp(null, 65_535)],
    ["[::1]:8000", tcp("::1", 8000)],
    ["[::]:8000", tcp("::", 8000)],
    ["[fe80::1%eth0]:80", tcp("fe80::1%eth0", 80)],
    ["  :8000 ", tcp(null, 8000)],
    ["unix:/run/app.sock", { kind: "unix", path: "/run/app.sock" }],
    ["unix:///run/app.sock", { kind: "unix", path: "/run/app.sock" }],
    ["unix:app.sock", { kind: "unix", path: "app.sock" }],
    ["unix:/run/my app.sock", { kind: "unix", path: "/run/my app.sock" }],
    ["unix:@name", { kind: "abstract", name: "name" }],
    ["fd://3", { kind: "fd", fd: 3 }],
  ])("%j is %j", (text, address) => {
    expect(parseBindAddress(text)).toEqual(address);
  });

  test.each<[unknown, string]>([
    ["", "an address is empty"],
    [":", "has no port after the colon"],
    ["localhost:", "has no port after the colon"],
    ["localhost", '"localhost" has no port; give localhost:8000'],
    ["127.0.0.1", '"127.0.0.1" has no port; give 127.0.0.1:8000'],
    [":65536", "has a port out of range; give one from 1 to 65535, or 0 for any free one"],
    [":-1", "has a port out of range"],
    ["-1", "has a port out of range"],
    [-1, "has a port out of range"],
    [8000.5, "which is not a number"],
    ["99999", "has a port out of range"],
    [":http", 'has the port "http", which is not a number'],
    [":80a", "which is not a number"],
    ["[::1:8000", "has no closing bracket"],
    ["::1]:8000", "without brackets"],
    ["x]:8000", "has no opening bracket"],
    ["[::1]", '"[::1]" has no port; give [::1]:8000'],
    ["[::1]8000", "has no port"],
    ["[localhost]:80", "holds no IPv6 address between its brackets"],
    ["::1", '"::1" holds an IPv6 address without brackets; give [::1]:8000'],
    ["fe80::1:8000", "without brackets"],
    ["::", "without brackets"],
    ["256.0.0.1:80", "is not an IPv4 address"],
    ["1.2.3:80", "is not an IPv4 address"],
    ["-x:80", "is not a host name or an address"],
    ["a/b:80", "is not a host name or an address"],
    ["/run/app.sock", "for a unix socket give unix:/run/app.sock"],
    ["http://localhost:80", "is a URL"],
    ["tcp://:80", "is a URL"],
    ["unix:", "has no path; give unix:/run/app.sock"],
    ["unix://", "has no path"],
    ["unix:@", "has no name after the @"],
    ["unix:/run/", "is a directory"],
    [`unix:/${"x".repeat(LONGEST_UNIX_PATH)}`, "is 108 bytes long, and the system takes 107"],
    [`unix:@${"x".repeat(LONGEST_UNIX_PATH + 1)}`, "is 108 bytes long"],
    [`unix:/${"é".repeat(54)}`, "is 109 bytes long"],
    ["fd://", "names no descriptor"],
    ["fd:3", "names no descriptor"],
    ["fd://x", "names no descriptor"],
    ["fd://2", "is one of the standard streams"],
    [":80 :81", "holds a space; give one address at a time"],
    [null, "null is not an address"],
    [{ port: 80 }, "is not an address"],
  ])("%j is refused: %s", (text, complaint) => {
    expect(() => parseBindAddress(text)).toThrow(complaint);
  });

  test("of 107 bytes is the longest unix path", () => {
    expect(parseBindAddress(`unix:/${"x".repeat(LONGEST_UNIX_PATH - 1)}`)).toHaveProperty("kind", "unix");
  });

  test("survives being shown and read again", () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,30}$/);
    const addresses = fc.oneof<fc.Arbitrary<BindAddress>[]>(
      fc.record({
        kind: fc.constant("tcp" as const),
        host: fc.oneof(
          fc.constant(null),
          fc.ipV4(),
          fc.ipV6().filter((ip) => ip.length > 3),
        ),
        port,
      }),
      name.map((path) => ({ kind: "unix" as const, path: `/run/${path}` })),
      name.map((text) => ({ kind: "abstract" as const, name: text })),
      fc.integer({ min: 3, max: 1000 }).map((fd) => ({ kind: "fd" as const, fd })),
    );
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseBindAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });

  test("of any text is parsed or refused in one sentence, never anything else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseBindAddress(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
