import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePath, parseTarget, withoutQuery } from "../../../src/gateway/request-target.ts";

describe("a request target", () => {
  test.each([
    ["/", "/", ""],
    ["/a/b", "/a/b", ""],
    ["/a?b=c", "/a", "b=c"],
    ["/a?", "/a", ""],
    ["/a?b?c", "/a", "b?c"],
    ["/?%20", "/", "%20"],
    ["//a//b", "//a//b", ""],
    ["/a%20b", "/a b", ""],
    ["/a+b", "/a+b", ""],
    ["/caf%C3%A9", "/café", ""],
    ["/%F0%9F%8E%89", "/🎉", ""],
    ["/a%2Fb", "/a/b", ""],
    ["/%00", "/\0", ""],
  ])("%s has path %j and query %j", (target, path, query) => {
    expect(parseTarget(target, "GET")).toEqual({ path, query, authority: undefined });
  });

  test.each([
    ["http://example.org", "", "", "example.org"],
    ["http://example.org/a?b", "/a", "b", "example.org"],
    ["HTTPS://example.org:8443/%41", "/A", "", "example.org:8443"],
    ["http://example.org?q", "", "q", "example.org"],
  ])("in absolute form %s has path %j, query %j and authority %j", (target, path, query, authority) => {
    expect(parseTarget(target, "GET")).toEqual({ path, query, authority });
  });

  test("* is for OPTIONS only and has no path", () => {
    expect(parseTarget("*", "OPTIONS")).toEqual({ path: "", query: "", authority: undefined });
    expect(parseTarget("*", "GET")).toBeUndefined();
  });

  test.each(["", "a", "example.org:80", "ftp://example.org/", "http:///a", "/a#b", "http://example.org/#f"])(
    "%j is refused",
    (target) => {
      expect(parseTarget(target, "GET")).toBeUndefined();
    },
  );
});

describe("percent-decoding", () => {
  test.each([
    ["%FF", "\uFFFD"],
    ["a%C3", "a\uFFFD"],
    ["%C3%28", "\uFFFD("],
    ["%", "%"],
    ["%zz", "%zz"],
    ["%4", "%4"],
    ["%zz%41", "%zzA"],
    // Raw bytes beyond ASCII, one character each, are UTF-8 as well.
    ["caf\u00c3\u00a9", "café"],
    ["caf\u00e9", "caf\uFFFD"],
  ])("%j is %j", (path, decoded) => {
    expect(decodePath(path)).toBe(decoded);
  });

  test("gives back whatever was encoded", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => decodePath(encodeURIComponent(text)) === text));
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 255 })), (bytes) => {
        decodePath(String.fromCharCode(...bytes));
      }),
    );
  });
});

test("a target is logged without its query", () => {
  expect(withoutQuery("/a?token=secret")).toBe("/a");
  expect(withoutQuery("/a")).toBe("/a");
});
