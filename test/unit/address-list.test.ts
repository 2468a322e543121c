import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressEntries, AddressList, complaintAboutEntries, normalAddress } from "../../src/address-list.ts";

const list = (text: string): AddressList => new AddressList(addressEntries(text));

describe("a list of addresses", () => {
  test.each([
    ["127.0.0.1,::1", "127.0.0.1", true],
    ["127.0.0.1,::1", "::1", true],
    ["127.0.0.1,::1", "127.0.0.2", false],
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.1.2.3/8", "10.9.9.9", true],
    ["0.0.0.0/0", "192.0.2.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:1::1", true],
    ["2001:DB8:0:0::/32", "2001:db9::1", false],
    ["::ffff:10.0.0.1", "10.0.0.1", true],
    ["::ffff:10.0.0.0/104", "10.7.7.7", true],
    ["*", "192.0.2.1", true],
    ["*", "not an address", true],
    ["none", "127.0.0.1", false],
    ["127.0.0.1", "not an address", false],
    ["127.0.0.1", "fe80::1%eth0", false],
  ])("%s has %s: %s", (text, address, isListed) => {
    expect(complaintAboutEntries(addressEntries(text))).toBeUndefined();
    const addresses = list(text);
    // Asked twice: the second answer is remembered.
    expect([addresses.has(address), addresses.has(address)]).toEqual([isListed, isListed]);
  });

  test("has every peer on a unix socket, unless it has nobody", () => {
    expect([list("10.0.0.1"), list("*"), list("none")].map((each) => each.has(undefined))).toEqual([true, true, false]);
  });

  test.each(["", "localhost", "10.0.0.0/33", "::1/129", "10.0.0", "10.0.0.1/", "fe80::1%eth0", "none,::1", "[::1]"])(
    "%j is complained of",
    (text) => expect(complaintAboutEntries(addressEntries(text))).toBeTypeOf("string"),
  );

  test("holds exactly the addresses that share its prefix", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const address = fc.array(byte, { minLength: 4, maxLength: 4 });
    const near = fc.tuple(address, fc.integer({ min: 0, max: 31 }), fc.integer({ min: 0, max: 32 }));
    fc.assert(
      fc.property(near, ([bytes, flipped, bits]) => {
        const number = bytes.reduce((sum, each) => sum * 256 + each, 0);
        const other = number ^ (1 << flipped);
        const text = [24, 16, 8, 0].map((shift) => (other >>> shift) & 255).join(".");
        expect(list(`${bytes.join(".")}/${bits}`).has(text)).toBe(bits <= 31 - flipped);
      }),
    );
  });
});

test("addresses come out as the system writes them", () => {
  const texts = ["1.2.3.4", "2001:DB8:0:0:0::1", "::FFFF:1.2.3.4", "::ffff:102:304", "01.2.3.4", "1.2.3", "::1%lo", ""];
  expect(texts.map((text) => normalAddress(text))).toEqual([
    "1.2.3.4",
    "2001:db8::1",
    "1.2.3.4",
    "1.2.3.4",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
