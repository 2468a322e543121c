import { describe, expect, test } from "vitest";
import type { Environ } from "../../../src/gateway/types.ts";
import { type FakeRequest, onlyError, run, TCP, UNIX } from "./fake-exchange.ts";

function environOf(request: FakeRequest = {}): Environ {
  let seen: Environ | undefined;
  run((environ: Environ, startResponse: (status: number, headers: []) => void) => {
    seen = environ;
    startResponse(200, []);
    return [];
  }, request);
  if (seen === undefined) throw new Error("the application was not called");
  return seen;
}

function refusal(request: FakeRequest): number | undefined {
  let wasCalled = false;
  const exchange = run(() => {
    wasCalled = true;
    return [];
  }, request);
  expect(wasCalled).toBe(false);
  expect(exchange.errors).toEqual([]);
  expect(exchange.verbs).toContain("close afterwards");
  return exchange.status;
}

describe("environ", () => {
  test("has every documented key", () => {
    const environ = environOf({ method: "POST", target: "/a%20b?c=d" });
    expect(environ).toMatchObject({
      REQUEST_METHOD: "POST",
      SCRIPT_NAME: "",
      PATH_INFO: "/a b",
      QUERY_STRING: "c=d",
      REQUEST_URI: "/a%20b?c=d",
      SERVER_NAME: "127.0.0.1",
      SERVER_PORT: "8000",
      SERVER_PROTOCOL: "HTTP/1.1",
      REMOTE_ADDR: "192.0.2.7",
      REMOTE_PORT: "40000",
      HTTP_HOST: "example.org",
      "gateway.version": [1, 0],
      "gateway.url_scheme": "http",
      "gateway.multithread": false,
      "gateway.multiprocess": true,
      "gateway.run_once": false,
    });
    expect(environ["gateway.input"]).toHaveProperty("read", expect.any(Function));
    expect(environ["gateway.errors"]).toHaveProperty("write", expect.any(Function));
    expect(environ["gateway.file_wrapper"]).toBeTypeOf("function");
    expect(environ["gateway.early_hints"]).toBeTypeOf("function");
    expect(environ["gateway.signal"]).toBeInstanceOf(AbortSignal);
  });

  test("is a plain object of its own for each request", () => {
    const environ = environOf();
    expect(Object.getPrototypeOf(environ)).toBe(Object.prototype);
    expect(environOf()).not.toBe(environ);
    expect(Object.isExtensible(environ)).toBe(true);
  });

  test("has nothing but strings under keys without a dot", () => {
    const environ = environOf({ headers: ["Host", "h", "Content-Length", "0", "X-A", "1"] });
    const cgi = Object.entries(environ).filter(([key]) => !key.includes("."));
    expect(cgi.length).toBeGreaterThan(10);
    for (const [key, value] of cgi) expect(value, key).toBeTypeOf("string");
  });

  test("names headers as CGI does, and two of them without prefix", () => {
    const headers = ["Host", "h", "content-type", "a/b", "CONTENT-LENGTH", "3", "x-request-id", "r"];
    const environ = environOf({ headers });
    expect(environ).toMatchObject({ CONTENT_TYPE: "a/b", CONTENT_LENGTH: "3", HTTP_X_REQUEST_ID: "r" });
    expect(environ).not.toHaveProperty("HTTP_CONTENT_TYPE");
    expect(environ).not.toHaveProperty("HTTP_CONTENT_LENGTH");
  });

  test("lacks what the request lacks", () => {
    const environ = environOf();
    expect(environ).not.toHaveProperty("CONTENT_TYPE");
    expect(environ).not.toHaveProperty("CONTENT_LENGTH");
    expect(environ).not.toHaveProperty("HTTP_COOKIE");
    expect(environ.QUERY_STRING).toBe("");
  });

  test("joins repeated headers with a comma, cookies with a semicolon", () => {
    const headers = ["Host", "h", "X-A", "1", "Cookie", "a=1", "x-a", "2", "cookie", "b=2"];
    expect(environOf({ headers })).toMatchObject({ HTTP_X_A: "1, 2", HTTP_COOKIE: "a=1; b=2" });
  });

  test("drops header names with an underscore", () => {
    const environ = environOf({ headers: ["Host", "h", "X_Forwarded_For", "evil", "__proto__", "x"] });
    expect(environ).not.toHaveProperty("HTTP_X_FORWARDED_FOR");
    expect(Object.getPrototypeOf(environ)).toBe(Object.prototype);
    const both = environOf({ headers: ["Host", "h", "X-A", "good", "X_A", "evil"] });
    expect(both.HTTP_X_A).toBe("good");
  });

  test("keeps the names of clients apart however many there are", () => {
    for (let i = 0; i < 2000; i++) {
      expect(environOf({ headers: ["Host", "h", `X-${i}`, "v"] })[`HTTP_X_${i}`]).toBe("v");
    }
  });

  test.each([
    ["http://real.example/x", ["Host", "real.example"]],
    ["http://real.example/x", ["Host", "REAL.example:80"]],
    ["https://real.example/x", ["Host", "real.example:443"]],
    ["http://real.example:080/x", ["Host", "real.example:80"]],
    ["http://real.example:/x", ["Host", "real.example"]],
  ])("takes the host of %s as it stands there", (target, headers) => {
    const host = target.split("/")[2];
    expect(environOf({ target, headers })).toMatchObject({ HTTP_HOST: host, PATH_INFO: "/x", REQUEST_URI: target });
  });

  test.each([
    ["http://real.example/x", ["Host", "other.example"]],
    ["http://real.example/x", ["Host", "real.example:8080"]],
    ["https://real.example/x", ["Host", "real.example:80"]],
    ["http://real.example/x", ["Host", ""]],
    ["http://real.example/x", ["Host", "real.example", "Host", "real.example"]],
  ])("is not made of %s beside %j", (target, headers) => {
    expect(() => environOf({ target, headers })).toThrow("the application was not called");
  });

  test("names an IPv6 server in brackets", () => {
    const connection = { ...TCP, localAddress: "::1", remoteAddress: "2001:db8::1" };
    expect(environOf({ connection })).toMatchObject({ SERVER_NAME: "[::1]", REMOTE_ADDR: "2001:db8::1" });
  });

  test("on a unix socket takes its name from Host", () => {
    const environ = environOf({ connection: UNIX, headers: ["Host", "example.org:8080"] });
    expect(environ).toMatchObject({ SERVER_NAME: "example.org", SERVER_PORT: "80" });
    expect(environ).not.toHaveProperty("REMOTE_ADDR");
    expect(environ).not.toHaveProperty("REMOTE_PORT");
    const local = environOf({ connection: { ...UNIX, isSecure: true }, headers: [], version: "1.0" });
    expect(local).toMatchObject({ SERVER_NAME: "localhost", SERVER_PORT: "443", SERVER_PROTOCOL: "HTTP/1.0" });
    const ipv6 = environOf({ connection: UNIX, headers: ["Host", "[::1]:80"] });
    expect(ipv6.SERVER_NAME).toBe("[::1]");
  });

  test("says https on TLS", () => {
    expect(environOf({ connection: { ...TCP, isSecure: true } })["gateway.url_scheme"]).toBe("https");
  });

  test("lets middleware replace every key, the signal too", () => {
    const environ = environOf();
    const { signal } = new AbortController();
    environ["gateway.signal"] = signal;
    expect(environ["gateway.signal"]).toBe(signal);
    environ["mymiddleware.user"] = "me";
    expect({ ...environ }["mymiddleware.user"]).toBe("me");
  });

  test("has one signal, in a copy too", () => {
    const environ = environOf();
    expect(environ["gateway.signal"]).toBe(environ["gateway.signal"]);
    expect({ ...environ }["gateway.signal"]).toBe(environ["gateway.signal"]);
  });
});

describe("a request that two readers could take differently never reaches the application:", () => {
  test.each<[string, number, FakeRequest]>([
    ["two Host headers", 400, { headers: ["Host", "a", "host", "b"] }],
    ["a Host that is no host", 400, { headers: ["Host", "a/b"] }],
    ["a Host with user information", 400, { headers: ["Host", "me@a"] }],
    ["an absolute target with user information", 400, { target: "http://me@a/" }],
    ["a target that is no path", 400, { target: "a" }],
    ["a target with a fragment", 400, { target: "/a#b" }],
    ["* for GET", 400, { target: "*" }],
    ["a transfer coding other than chunked", 501, { headers: ["Host", "h", "Transfer-Encoding", "gzip, chunked"] }],
    ["chunked twice", 501, { headers: ["Host", "h", "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"] }],
    ["an empty transfer coding", 501, { headers: ["Host", "h", "Transfer-Encoding", ""] }],
    ["a transfer coding on 1.0", 400, { version: "1.0", headers: ["Transfer-Encoding", "chunked"] }],
    ["both lengths", 400, { headers: ["Host", "h", "Transfer-Encoding", "chunked", "Content-Length", "3"] }],
  ])("%s: %i", (_, status, request) => {
    expect(refusal(request)).toBe(status);
  });

  test("a chunked body is fine", () => {
    const environ = environOf({ method: "POST", headers: ["Host", "h", "Transfer-Encoding", "Chunked"] });
    expect(environ.HTTP_TRANSFER_ENCODING).toBe("Chunked");
    expect(environ).not.toHaveProperty("CONTENT_LENGTH");
  });
});

describe("gateway.early_hints", () => {
  test("checks its headers and hands them to the exchange", () => {
    const exchange = run((environ: Environ, startResponse: (status: number, headers: []) => void) => {
      expect(environ["gateway.early_hints"]([["Link", "</a.css>; rel=preload"]])).toBe(true);
      startResponse(200, []);
      return [];
    });
    expect(exchange.verbs[0]).toBe("hints Link </a.css>; rel=preload");
  });

  test("throws for a header that may not be sent", () => {
    const exchange = run((environ: Environ) => {
      environ["gateway.early_hints"]([["Link", "a\r\nSet-Cookie: b"]]);
      return [];
    });
    expect(onlyError(exchange)).toMatch(/Link has a control character/);
    expect(exchange.status).toBe(500);
  });
});
