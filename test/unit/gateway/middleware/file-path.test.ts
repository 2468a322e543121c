import { describe, expect, test } from "vitest";
import { checkPrefix, fileNameOf, withSlash } from "../../../../src/gateway/middleware/static/file-path.ts";
import { parseTarget } from "../../../../src/gateway/request-target.ts";
import type { Environ } from "../../../../src/gateway/types.ts";

function environ(target: string, script = ""): Environ {
  const parsed = parseTarget(target, "GET");
  if (parsed === undefined) throw new Error(`no target: ${target}`);
  return {
    SCRIPT_NAME: script,
    PATH_INFO: parsed.path.slice(script.length),
    QUERY_STRING: parsed.query,
    REQUEST_URI: target,
  } as Environ;
}

describe("a file's name", () => {
  test.each([
    ["/a.txt", "", "a.txt"],
    ["/", "", ""],
    ["/assets", "/assets", ""],
    ["/assets/", "/assets", ""],
    ["/assets/x/y.js?v=1", "/assets", "x/y.js"],
    ["/assets/x/", "/assets", "x/"],
    ["/%61ssets/caf%C3%A9%20.txt", "/assets", "caf\u00e9 .txt"],
    ["http://example.org/assets/x", "/assets", "x"],
    ["/assets/%252e%252e/x", "/assets", "%2e%2e/x"],
    ["/.well-known/acme-challenge/token", "", ".well-known/acme-challenge/token"],
    ["/x?next=%2f", "", "x"],
  ])("%s below %j is %j", (target, prefix, name) => {
    expect(fileNameOf(environ(target), prefix)).toBe(name);
  });

  test.each([
    "/../etc/passwd",
    "/..",
    "/a/../../etc/passwd",
    "/%2e%2e/etc/passwd",
    "/%2E%2e%2fetc/passwd",
    "/..%2fetc%2fpasswd",
    "/..%5cetc%5cpasswd",
    "/..\\etc\\passwd",
    "/a\\b",
    "/a%00.txt",
    "/%c0%ae%c0%ae/etc/passwd",
    "/%c0%af..%c0%afetc",
    "/%e0%80%ae%e0%80%ae/x",
    "/%ff",
    "//etc/passwd",
    "/a//b",
    "/%2fetc/passwd",
    "/a%2Fb",
    "/.git/config",
    "/a/.env",
    "/.",
    "/a/./b",
    "/...",
    "/.well-known/../.env",
    "/.well-known/.htpasswd",
    "/.well-known",
    "/.well-knownx/a",
    "/a/.well-known/b",
    "http://example.org",
  ])("%s is none", (target) => {
    const name = fileNameOf(environ(target), "");
    expect(name === undefined || name === "").toBe(true);
    if (target !== "http://example.org") expect(name).toBeUndefined();
  });

  test("is none for a path that only begins like the prefix", () => {
    expect(fileNameOf(environ("/assetsx"), "/assets")).toBeUndefined();
    expect(fileNameOf(environ("/other"), "/assets")).toBeUndefined();
  });
});

test("a redirect names no host, keeps the query and encodes what has to be", () => {
  expect(withSlash(environ("/a%20b/%C3%A9?x=%2f"))).toBe("/a%20b/%C3%A9/?x=%2f");
  expect(withSlash(environ("/app/docs", "/app"))).toBe("/app/docs/");
});

test.each(["assets", "/a//b", "/.hidden", "/a\\b"])("%j is no prefix", (prefix) => {
  expect(() => checkPrefix(prefix)).toThrow("is not a path that begins with");
});

test("a prefix needs no slash at its end", () => {
  expect([checkPrefix("/"), checkPrefix("/a/"), checkPrefix("/a/b"), checkPrefix("")]).toEqual(["", "/a", "/a/b", ""]);
});
