import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTable } from "../../../../src/master/hang/proc-sockets.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const LISTENING =
  "   0: 0100007F:8B2D 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4821 1 0000000000000000 100 0 0 10 0\n" +
  "   1: 00000000:1F40 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 77 1 0000000000000000 100 0 0 10 0\n";
const ESTABLISHED =
  "   2: 0100007F:1F40 0100007F:D4F2 01 00000000:00000000 00:00000000 00000000     0        0 4822 1 0000000000000000 20 4 30 10 -1\n";
const LISTENING_6 =
  "   0: 00000000000000000000000001000000:240F 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 100 0 0 10 0\n" +
  "   1: B80D0120000000000000000034120000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 98 1 0000000000000000 100 0 0 10 0\n";

const BOTH = [
  { inode: "4821", host: "127.0.0.1", port: 35_629 },
  { inode: "77", host: "0.0.0.0", port: 8000 },
];

describe("the kernel's table of sockets", () => {
  it("gives those that listen, and is read to the first that does not", () => {
    expect(parseTable(HEAD + LISTENING + ESTABLISHED + LISTENING)).toEqual({ listening: BOTH, isWhole: true });
  });

  it("is not whole when nothing but listening sockets has been read", () => {
    expect(parseTable(HEAD + LISTENING)).toEqual({ listening: BOTH, isWhole: false });
  });

  it("names addresses of version 6", () => {
    expect(parseTable(HEAD + LISTENING_6).listening).toEqual([
      { inode: "99", host: "0:0:0:0:0:0:0:1", port: 9231 },
      { inode: "98", host: "2001:db8:0:0:0:0:0:1234", port: 443 },
    ]);
  });

  it("may be cut anywhere: a line that is not whole does not count", () => {
    const text = HEAD + LISTENING + ESTABLISHED;
    fc.assert(
      fc.property(fc.nat({ max: text.length }), (length) => {
        const { listening } = parseTable(text.slice(0, length));
        expect(BOTH.slice(0, listening.length)).toEqual(listening);
      }),
    );
  });

  it("is empty where there is none", () => {
    expect(parseTable("")).toEqual({ listening: [], isWhole: false });
  });
});
