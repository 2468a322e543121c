/** `--mount` as people write it: what is taken, and the sentence about what is not. */

import { describe, expect, test } from "vitest";
import { mounts, parseMount } from "../../../src/config/mount.ts";
import { ValueError } from "../../../src/config/value-error.ts";

describe("a mount", () => {
  test.each([
    ["/api=api.js", "/api", undefined, ["api"], "api.js"],
    ["/api/v2=api.js:v2", "/api/v2", undefined, ["api", "v2"], "api.js:v2"],
    [" /api=./dist/a=b.js ", "/api", undefined, ["api"], "./dist/a=b.js"],
    ["/grüße=app.js", "/grüße", undefined, ["grüße"], "app.js"],
    ["/x.y~-_@:z=mysite.wsgi:application", "/x.y~-_@:z", undefined, ["x.y~-_@:z"], "mysite.wsgi:application"],
    ["host:api.example.org=api.js", "host:api.example.org", "api.example.org", [], "api.js"],
    ["host:API.example.org/v1=api.js", "host:api.example.org/v1", "api.example.org", ["v1"], "api.js"],
    ["host:127.0.0.1/v1=api.js", "host:127.0.0.1/v1", "127.0.0.1", ["v1"], "api.js"],
    ["host:[::1]/v1=api.js", "host:[::1]/v1", "[::1]", ["v1"], "api.js"],
    ["host:localhost=api.js", "host:localhost", "localhost", [], "api.js"],
  ])("%j", (text, name, host, segments, app) => {
    expect(parseMount(text)).toEqual({ point: { text: name, host, segments }, app });
  });

  test.each([
    ["", "is not a mount; give PREFIX=APP, such as /api=api.js"],
    ["/api", "is not a mount"],
    [5, "is not a mount"],
    ["/api=", "names no application"],
    ["/api= ", "names no application"],
    ["=api.js", "does not begin with a slash"],
    ["api=api.js", "does not begin with a slash"],
    ["api/v1=api.js", "does not begin with a slash"],
    ["/=api.js", "is the place of the application itself"],
    ["/api/=api.js", "ends with a slash; leave that out: /api takes /api/ too"],
    ["host:h/=api.js", "ends with a slash; leave that out"],
    ["//=api.js", "has an empty segment"],
    ["/api//v1=api.js", "has an empty segment"],
    ["/api//=api.js", "has an empty segment"],
    ["/../api=api.js", "has a segment of dots"],
    ["/api/.=api.js", "has a segment of dots"],
    ["/%61pi=api.js", "is percent-encoded; write it decoded"],
    ["/a%2Fb=api.js", "is percent-encoded"],
    ["/api?x=api.js", "has more than a path"],
    ["/api#x=api.js", "has more than a path"],
    ["/a b=api.js", "has a backslash, a space or a control character"],
    ["/a\tb=api.js", "has a backslash, a space or a control character"],
    ["/a\\b=api.js", "has a backslash, a space or a control character"],
    ["host:=api.js", "names no host"],
    ["host:/v1=api.js", "names no host"],
    ["host:*.example.org=api.js", "has a pattern for a host"],
    ["host:h:8000/v1=api.js", "names a port; leave it out"],
    ["host:münchen.example=api.js", "has a host beyond ASCII"],
    ["host:a..b=api.js", "names a host that is none"],
    ["host:a.=api.js", "names a host that is none"],
    ["host:a b=api.js", "names a host that is none"],
    ["host:[::1=api.js", "names a host that is none"],
    ["host:u@h=api.js", "names a host that is none"],
    ["http://h/v1=api.js", "does not begin with a slash"],
  ])("%j is refused: %s", (value, problem) => {
    expect(() => parseMount(value)).toThrow(ValueError);
    expect(() => parseMount(value)).toThrow(problem);
  });
});

describe("several mounts", () => {
  const texts = ["/api=api.js", "/api/v2=v2.js", "host:h/api=api.js"];

  test("are texts, a list or an object, and are shown as they would be written", () => {
    const type = mounts();
    const all = type.fromTexts(texts);
    expect(type.show(all)).toEqual(texts);
    expect(type.fromNative(texts)).toEqual(all);
    expect(type.fromNative({ "/api": "api.js", "/api/v2": "v2.js", "host:h/api": "api.js" })).toEqual(all);
    expect(type.fromNative("/api=api.js")).toEqual(all.slice(0, 1));
    expect(() => type.fromNative({ "/api": 5 })).toThrow("/api is 5; give an application");
  });

  test.each([
    ["/api=a.js", "/api=b.js", "/api is given twice"],
    ["host:H/x=a.js", "host:h/x=a.js", "host:h/x is given twice"],
  ])("%s and %s overlap", (one, other, problem) => {
    expect(() => mounts().fromTexts([one, other])).toThrow(`${problem}; leave one out`);
  });
});
