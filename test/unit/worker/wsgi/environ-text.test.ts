import { describe, expect, test } from "vitest";
import type { Environ } from "../../../../src/gateway/index.ts";
import { environText } from "../../../../src/worker/wsgi/environ-text.ts";

function valuesOf(changes: Record<string, unknown>): Record<string, string> {
  const environ = {
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "",
    PATH_INFO: "/",
    REQUEST_URI: "/",
    "gateway.url_scheme": "https",
    "gateway.errors": {},
    "mine.user": "x",
    ...changes,
  };
  const { text, isJson } = environText(environ as unknown as Environ);
  if (isJson) return JSON.parse(text) as Record<string, string>;
  const parts = text.split("\0");
  return Object.fromEntries(parts.flatMap((key, index) => (index % 2 === 0 ? [[key, parts[index + 1] ?? ""]] : [])));
}

describe("an environ for Python", () => {
  test("has the CGI keys and the scheme, and nothing of the gateway's own", () => {
    expect(valuesOf({ HTTP_HOST: "h" })).toEqual({
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "",
      PATH_INFO: "/",
      REQUEST_URI: "/",
      HTTP_HOST: "h",
      "wsgi.url_scheme": "https",
    });
  });

  test.each([
    ["escapes as the bytes that they are", "/caf%C3%A9/%ff?q", "", "/caf\u00e9/\ufffd", "/caf\u00c3\u00a9/\u00ff"],
    ["without the prefix of a mount", "/m%C3%BC/a%20b", "/m\u00fc", "/a b", "/a b"],
    ["as middleware has changed it", "/caf%C3%A9", "", "/th\u00e9", "/th\u00c3\u00a9"],
    ["with what middleware has made of a plain one", "/plain", "", "/snow/\u2603", "/snow/\u00e2\u0098\u0083"],
    ["with a NUL", "/a%00b", "", "/a\0b", "/a\0b"],
  ])("has the path %s", (_, REQUEST_URI, SCRIPT_NAME, PATH_INFO, expected) => {
    expect(valuesOf({ REQUEST_URI, SCRIPT_NAME, PATH_INFO }).PATH_INFO).toBe(expected);
  });

  test("has text of middleware in UTF-8, and bytes of headers as they came", () => {
    expect(valuesOf({ REMOTE_USER: "\u2603", HTTP_X: "caf\u00e9" })).toMatchObject({
      REMOTE_USER: "\u00e2\u0098\u0083",
      HTTP_X: "caf\u00e9",
    });
  });

  test("has a mount's prefix and a user in UTF-8, even where one byte a character would do", () => {
    const environ = { SCRIPT_NAME: "/\u00e4", REQUEST_URI: "/%C3%A4/x", PATH_INFO: "/x", REMOTE_USER: "ren\u00e9" };
    expect(valuesOf(environ)).toMatchObject({
      SCRIPT_NAME: "/\u00c3\u00a4",
      PATH_INFO: "/x",
      REMOTE_USER: "ren\u00c3\u00a9",
    });
  });

  test("has a header with a NUL as one value, not as keys of its making", () => {
    const environ = valuesOf({ HTTP_X: "a\0REMOTE_USER\0root", HTTP_Y: "caf\u00e9" });
    expect(environ).toMatchObject({ HTTP_X: "a\0REMOTE_USER\0root", HTTP_Y: "caf\u00e9" });
    expect(environ).not.toHaveProperty("REMOTE_USER");
  });

  test("does not touch the signal, which reading would make", () => {
    const environ = Object.defineProperty({}, "gateway.signal", {
      enumerable: true,
      get: () => expect.fail("it was read"),
    });
    expect(environText(Object.assign(environ, { PATH_INFO: "/", REQUEST_URI: "/" }) as Environ).isJson).toBe(false);
  });
});
