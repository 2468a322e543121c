/** The URL of a request is what `new URL` makes of its parts, whichever way it was found. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestUrl } from "../../../../src/gateway/fetch/request-url.ts";
import type { Environ } from "../../../../src/gateway/types.ts";

function urlOf(target: string, host: string | null = "h", scheme = "http"): string {
  const environ = { REQUEST_URI: target, "gateway.url_scheme": scheme, SERVER_NAME: "[::1]", SERVER_PORT: "81" };
  return requestUrl({ ...environ, ...(host === null ? {} : { HTTP_HOST: host }) } as unknown as Environ);
}

const CHARACTERS = Array.from("/?.%2eE&=+~'\"\\|[]{}^`<>;:@!$()*,- aZ09\x7f\x01");

describe("the URL of a request", () => {
  test.each([
    ["/", "http://h/"],
    ["/a/b?c=d", "http://h/a/b?c=d"],
    ["//a/b", "http://h//a/b"],
    ["/a/../b", "http://h/b"],
    ["/a/%2E%2e/b", "http://h/b"],
    ["/a/./b/..", "http://h/a/"],
    ["/.well-known/x", "http://h/.well-known/x"],
    ["/a\\..\\b", "http://h/b"],
    ["/a%2Fb%zz", "http://h/a%2Fb%zz"],
    ["/?a'b\"", "http://h/?a%27b%22"],
    ["/?../..", "http://h/?../.."],
    ["/\xc3\xa9?\xff", "http://h/%C3%A9?%FF"],
    ["*", "http://h/"],
    ["http://other/a?b", "http://h/a?b"],
    ["HTTPS://other", "http://h/"],
    ["http://other?b", "http://h/?b"],
  ])("of the target %s is %s", (target, url) => {
    expect(urlOf(target)).toBe(url);
  });

  test.each([
    ["EXAMPLE.org", "http", "http://example.org/"],
    ["h:80", "http", "http://h/"],
    ["h:80", "https", "https://h:80/"],
    ["h:443", "https", "https://h/"],
    ["h:", "http", "http://h/"],
    ["[::1]:8000", "http", "http://[::1]:8000/"],
    ["127.1", "http", "http://127.0.0.1/"],
    ["", "http", "http://[::1]:81/"],
    [null, "http", "http://[::1]:81/"],
  ])("for the host %s on %s is %s", (host, scheme, url) => {
    // Twice: what is remembered must be the same.
    expect(urlOf("/", host, scheme)).toBe(url);
    expect(urlOf("/", host, scheme)).toBe(url);
  });

  test.each(["a b", "a/b", "me@h", "h#", "h?x", "a%", "1.2.3.4.5", "[::", "h:99999", "h:x", "\\"])(
    "is refused with 400 for the host %s",
    (host) => {
      for (let i = 0; i < 2; i++) {
        expect(() => urlOf("/", host)).toThrow(expect.objectContaining({ name: "RequestRefused", status: 400 }));
      }
    },
  );

  test("is what new URL says, for any target that begins with a slash", () => {
    const piece = fc.constantFrom(...CHARACTERS, "%2e", "/..", "/.", "//");
    const target = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((p) => p.join("")),
      fc.webPath(),
      fc.string(),
    );
    fc.assert(
      fc.property(target, (rest) => {
        fc.pre(!/[#\x80-\uffff]/.test(rest));
        expect(urlOf(`/${rest}`)).toBe(new URL(`http://h/${rest}`).href);
      }),
      { numRuns: 5000 },
    );
  });

  test("is what new URL says, for any host", () => {
    const host = fc.oneof(fc.domain(), fc.ipV4Extended(), fc.ipV6().map((ip) => `[${ip}]`), fc.stringMatching(/^[a-zA-Z0-9.%:_-]{1,6}$/)); // prettier-ignore
    fc.assert(
      fc.property(host, fc.constantFrom("http", "https"), (name, scheme) => {
        let wanted: string | undefined;
        try {
          wanted = new URL(`${scheme}://${name}/x`).href;
        } catch {
          // Refused, below.
        }
        if (wanted === undefined) expect(() => urlOf("/x", name, scheme)).toThrow(/Host/);
        else expect(urlOf("/x", name, scheme)).toBe(wanted);
      }),
      { numRuns: 2000 },
    );
  });
});
