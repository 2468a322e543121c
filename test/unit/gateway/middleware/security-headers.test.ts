import { expect, test } from "vitest";
import { securityHeaders } from "../../../../src/gateway/middleware/index.ts";
import type { HeaderList } from "../../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run, TCP } from "../fake-exchange.ts";
import { answering, lines } from "./bodies.ts";

const USUAL = [
  "Content-Security-Policy: base-uri 'self'; frame-ancestors 'self'; object-src 'none'",
  "X-Content-Type-Options: nosniff",
  "X-Frame-Options: SAMEORIGIN",
  "Referrer-Policy: strict-origin-when-cross-origin",
  "Cross-Origin-Opener-Policy: same-origin",
  "Cross-Origin-Resource-Policy: same-origin",
];

test("adds the usual headers behind the application's, in one piece with its body", () => {
  const exchange = run(securityHeaders()(answering(() => ["x"], [["Content-Type", "text/plain"]])));
  expect(lines(exchange)).toEqual(["Content-Type: text/plain", ...USUAL]);
  expect(exchange.verbs).toEqual(["head 200", "end x"]);
});

test("adds Strict-Transport-Security over TLS alone", () => {
  const exchange = new FakeExchange({ connection: { ...TCP, isSecure: true } });
  run(securityHeaders()(answering(() => ["x"])), exchange);
  expect(lines(exchange)).toContain("Strict-Transport-Security: max-age=31536000");
});

test("leaves what the application says itself", () => {
  const exchange = run(securityHeaders()(answering(() => ["x"], [["x-frame-options", "DENY"]])));
  expect(lines(exchange).filter((line) => /x-frame/i.test(line))).toEqual(["x-frame-options: DENY"]);
  expect(lines(exchange)).toHaveLength(USUAL.length);
});

test("takes another value, or none", () => {
  const exchange = run(
    securityHeaders({ frameOptions: false, permissionsPolicy: "camera=()", referrerPolicy: "no-referrer" })(
      answering(() => []),
    ),
  );
  expect(lines(exchange)).toContain("Referrer-Policy: no-referrer");
  expect(lines(exchange)).toContain("Permissions-Policy: camera=()");
  expect(lines(exchange).join()).not.toMatch(/x-frame/i);
});

test("refuses options that it does not know, or that are none", () => {
  expect(() => securityHeaders({ frameOption: "x" } as object)).toThrow("securityHeaders has no option frameOption");
  expect(() => securityHeaders({ frameOptions: true } as object)).toThrow("frameOptions is a header's value");
});

test("passes { error } on, and headers that are none", () => {
  const exchange = run(
    securityHeaders()((_, startResponse) => {
      startResponse(200, []);
      startResponse(503, [["Retry-After", "1"]], { error: new Error("changed") });
      return ["x"];
    }),
  );
  expect([exchange.status, lines(exchange)]).toEqual([503, ["Retry-After: 1", ...USUAL]]);
  const wrong = run(securityHeaders()(answering(() => [], { a: "b" } as unknown as HeaderList)));
  expect(onlyError(wrong)).toMatch(/^headers must be a list/);
});
