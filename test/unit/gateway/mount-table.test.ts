/** Which application answers a target and a host, and what of the path it sees. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { atMount, MountTable, withoutPrefix } from "../../../src/gateway/mount-table.ts";
import { decodePath } from "../../../src/gateway/request-target.ts";
import type { Environ } from "../../../src/gateway/types.ts";
import { parseMount } from "../../../src/config/mount.ts";
import { ROOT } from "../../../src/mount-point.ts";

/** A table whose values are the prefixes themselves. */
function tableOf(prefixes: readonly string[], { hasRoot = true } = {}): MountTable<string> {
  const mounts = prefixes.map((prefix) => ({ mount: parseMount(`${prefix}=app.js`).point, value: prefix }));
  return new MountTable([...(hasRoot ? [{ mount: ROOT, value: "root" }] : []), ...mounts]);
}

const MOUNTS = ["/api", "/api/v2", "/a-b/c", "/grüße", "host:api.example.org/v1", "host:[::1]"];

describe("the application with the longest prefix answers", () => {
  test.each([
    ["/", "root"],
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/api?x=/v2", "/api"],
    ["/api/v2", "/api/v2"],
    ["/api/v2/users", "/api/v2"],
    ["/api/v21", "/api"],
    ["/apis", "root"],
    ["/API", "root"],
    ["//api", "root"],
    ["/api//v2", "/api"],
    ["/./api", "root"],
    ["/x/../api", "root"],
    ["/a-b/c/d", "/a-b/c"],
    ["/a-b", "root"],
    ["*", "root"],
    ["http://localhost/api/x", "/api"],
    ["http://localhost", "root"],
    ["http://localhost?/api", "root"],
    ["", "root"],
  ])("%s: %s", (target, found) => {
    expect(tableOf(MOUNTS).find(target, "localhost")?.value).toBe(found);
  });

  test.each([
    ["/%61pi", "/api"],
    ["/%61%70%69/%76%32/x", "/api/v2"],
    ["/api%2Fv2", "root"],
    ["/api%2fv2", "root"],
    ["/%2Fapi", "root"],
    ["/api/%2e%2e/v2", "/api"],
    ["/api%00", "root"],
    ["/api%", "root"],
    ["/gr%C3%BC%C3%9Fe/x", "/grüße"],
    ["/gr\u00c3\u00bc\u00c3\u009fe", "/grüße"],
    ["/gr\u00fc\u00dfe", "root"],
    ["/gr%FC%DFe", "root"],
  ])("on decoded segments, %s: %s", (target, found) => {
    expect(tableOf(MOUNTS).find(target, "localhost")?.value).toBe(found);
  });

  test.each([
    ["/v1", "api.example.org", "host:api.example.org/v1"],
    ["/v1/x", "API.Example.org:8000", "host:api.example.org/v1"],
    ["/v1/x", "api.example.org.", "host:api.example.org/v1"],
    ["/v1", "example.org", "root"],
    ["/v1", "xapi.example.org", "root"],
    ["/v1", undefined, "root"],
    ["/v2", "api.example.org", "root"],
    ["/api", "api.example.org", "/api"],
    ["/anything", "[::1]:8000", "host:[::1]"],
    ["/api", "[::1]", "host:[::1]"],
  ])("of the host before others, %s on %s: %s", (target, host, found) => {
    expect(tableOf(MOUNTS).find(target, host)?.value).toBe(found);
  });

  test("and none where nothing is mounted", () => {
    expect(tableOf(["/api"], { hasRoot: false }).find("/", undefined)).toBeUndefined();
    expect(tableOf(["/api"], { hasRoot: false }).find("*", undefined)).toBeUndefined();
  });

  test("whatever the order in which they are given", () => {
    const segment = fc.constantFrom("a", "b", "ab", "ä");
    const prefix = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join("/")}`);
    const path = fc.array(segment, { maxLength: 5 });
    fc.assert(
      fc.property(fc.uniqueArray(prefix), path, (prefixes, segments) => {
        const target = `/${segments.map(encodeURIComponent).join("/")}`;
        const whole = `${decodePath(target)}/`;
        const expected = prefixes
          .filter((one) => whole.startsWith(`${one}/`))
          .reduce((longest, one) => (one.length > longest.length ? one : longest), "");
        expect(tableOf(prefixes).find(target, undefined)?.value).toBe(expected === "" ? "root" : expected);
      }),
    );
  });
});

describe("below a prefix", () => {
  test.each([
    ["/api", "", ""],
    ["/api/", "/", ""],
    ["/api/x%2Fy/z?q=/api", "/x/y/z", "q=/api"],
    ["/%61pi/x", "/x", ""],
    ["http://h/api/x", "/x", ""],
    ["/api//x", "//x", ""],
  ])("%s is the path %j", (target, path, query) => {
    const seen: unknown[] = [];
    const application = atMount(parseMount("/api=app.js").point, (environ, startResponse) => {
      seen.push(environ.SCRIPT_NAME, environ.PATH_INFO, environ.REQUEST_URI, environ.QUERY_STRING);
      startResponse(200, []);
      return [];
    });
    const environ = { SCRIPT_NAME: "", PATH_INFO: "-", REQUEST_URI: target, QUERY_STRING: query };
    void application(environ as Environ, () => {});
    expect(seen).toEqual(["/api", path, target, query]);
  });

  test("at the root nothing is put in between", () => {
    const application = (): never[] => [];
    expect(atMount(ROOT, application)).toBe(application);
    expect(atMount(parseMount("host:h=app.js").point, application)).toBe(application);
  });

  test.each([
    ["/api", "/"],
    ["/api?x=1", "/?x=1"],
    ["/api/", "/"],
    ["/api/x?y=/api", "/x?y=/api"],
    ["/%61pi/%2F", "/%2F"],
    ["http://h:80/api/x?y", "http://h:80/x?y"],
    ["http://api/api", "http://api/"],
    ["/apis", "/apis"],
    ["*", "*"],
  ])("the target %s is %s", (target, rest) => {
    expect(withoutPrefix(target, ["api"])).toBe(rest);
  });
});
