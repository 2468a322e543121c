import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ATOMS } from "../../../src/config/access-format.ts";
import type { AccessEntry } from "../../../src/observe/access-entry.ts";
import { compileFormat } from "../../../src/observe/access-log-format.ts";

/** 10 October 2000, 13:55:36.789, wherever the tests run. */
const ENDED_AT = new Date(2000, 9, 10, 13, 55, 36, 789).getTime();
const PID = 4711;

type Changes = Partial<AccessEntry> & { readonly headers?: Readonly<Record<string, string | readonly string[]>> };

const HEADERS: NonNullable<Changes["headers"]> = {
  "user-agent": "Mozilla/5.0",
  referer: "https://example.org/",
  authorization: `Basic ${Buffer.from("frank:secret:colon").toString("base64")}`,
};

function entry({ headers = HEADERS, ...changes }: Changes = {}): AccessEntry {
  return {
    address: "203.0.113.7",
    method: "GET",
    target: "/a%20page?q=1&r=2",
    version: "1.1",
    header: (name) => headers[name],
    status: 200,
    bytes: 2326,
    durationMs: 2015.4321,
    endedAt: ENDED_AT,
    isCut: false,
    replyHeader: (name) => (name === "content-type" ? "text/html" : undefined),
    variable: (name) => (name === "REMOTE_USER" ? "frank" : undefined),
    ...changes,
  };
}

/** The line without its line feed, which must be its only one. */
function line(format: string, changes?: Changes): string {
  const text = compileFormat(format, PID)(entry(changes));
  expect(text.endsWith("\n")).toBe(true);
  expect(text.indexOf("\n")).toBe(text.length - 1);
  return text.slice(0, -1);
}

const VALUES: Readonly<Record<keyof typeof ATOMS, string | RegExp>> = {
  h: "203.0.113.7",
  l: "-",
  u: "frank",
  t: /^\[10\/Oct\/2000:13:55:36 [+-]\d{4}\]$/,
  r: "GET /a%20page?q=1&r=2 HTTP/1.1",
  m: "GET",
  U: "/a page",
  q: "q=1&r=2",
  H: "HTTP/1.1",
  s: "200",
  B: "2326",
  b: "2326",
  f: "https://example.org/",
  a: "Mozilla/5.0",
  T: "2",
  D: "2015432",
  M: "2015",
  L: "2.015432",
  p: "<4711>",
};

describe("an atom", () => {
  test.each(Object.entries(VALUES))("%s", (atom, value) => {
    if (typeof value === "string") expect(line(`%(${atom})s`)).toBe(value);
    else expect(line(`%(${atom})s`)).toMatch(value);
  });

  test("may be a header of the request or the reply, or a variable of the environ", () => {
    expect(line("%({User-Agent}i)s %({CONTENT-TYPE}o)s %({REMOTE_USER}e)s")).toBe("Mozilla/5.0 text/html frank");
    expect(line("%({x}i)s %({x}o)s %({x}e)s")).toBe("- - -");
    expect(line("%({x}i)s", { headers: { x: ["1", "2"] } })).toBe("1,2");
  });

  test("without a value is a dash", () => {
    const nothing = { address: undefined, headers: {}, bytes: 0, target: "/" };
    expect(line("%(h)s %(u)s %(f)s %(a)s %(b)s %(B)s [%(q)s]", nothing)).toBe("- - - - - 0 []");
  });

  test("of what could not be read as a request is a dash", () => {
    const unread = { method: "", target: "", version: "", status: 400 };
    expect(line('"%(r)s" %(m)s %(U)s %(H)s %(s)s', unread)).toBe('"-" - - - 400');
  });
});

test("combined is Apache's", () => {
  expect(line("combined")).toMatch(
    /^203\.0\.113\.7 - frank \[10\/Oct\/2000:13:55:36 [+-]\d{4}\] "GET \/a%20page\?q=1&r=2 HTTP\/1\.1" 200 2326 "https:\/\/example\.org\/" "Mozilla\/5\.0"$/,
  );
});

test("text that is not ASCII comes out as the bytes of its UTF-8", () => {
  expect(Buffer.from(line("Größe %(B)s €"), "latin1").toString()).toBe("Größe 2326 €");
});

describe("what a client has sent", () => {
  test.each([
    ['a "quoted" name', String.raw`a \"quoted\" name`],
    [String.raw`back\slash`, String.raw`back\\slash`],
    ["line\r\nbreak\ttab\v\b", String.raw`line\r\nbreak\ttab\v\b`],
    ["nul\0 del\x7f esc\x1b[31m", String.raw`nul\x00 del\x7f esc\x1b[31m`],
    ["caf\xc3\xa9", String.raw`caf\xc3\xa9`],
  ])("is escaped as Apache does it: %j", (value, expected) => {
    expect(line('"%(a)s" "%({x}i)s"', { headers: { "user-agent": value, x: value } })).toBe(
      `"${expected}" "${expected}"`,
    );
    // Also when the same has been seen before.
    expect(line("%(a)s", { headers: { "user-agent": value.repeat(9) } })).toBe(expected.repeat(9));
    expect(line("%(a)s", { headers: { "user-agent": value.repeat(9) } })).toBe(expected.repeat(9));
  });

  test("is escaped in the path as it is decoded, and in the request line as it is", () => {
    expect(line("%(U)s|%(r)s", { target: '/caf%C3%A9%22%0A"' })).toBe(
      String.raw`/caf\xc3\xa9\"\n\"|GET /caf%C3%A9%22%0A\" HTTP/1.1`,
    );
    expect(line("%(U)s", { target: "/%FF%zz" })).toBe("/%FF%zz");
  });

  test("is no user when it is not HTTP Basic authentication", () => {
    for (const authorization of ["Bearer x", "Basic", "Basic %%%", `Basic ${btoa("no colon")}`, `Basic ${btoa(":x")}`])
      expect(line("%(u)s", { headers: { authorization } })).toBe("-");
  });

  test("never breaks a line, leaves its quotes or goes beyond ASCII", () => {
    const format = compileFormat("combined", PID);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (value, target) => {
        const text = format(entry({ target, headers: { "user-agent": value, referer: value } }));
        expect(text).toMatch(/^[\x20-\x7e]*\n$/);
        const quoted = text.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
        expect(quoted).toHaveLength(3);
      }),
    );
  });
});

describe("json", () => {
  test("is one object with every field", () => {
    const headers = { ...HEADERS, "x-request-id": "abc-1" };
    expect(JSON.parse(line("json", { headers }))).toEqual({
      time: new Date(ENDED_AT).toISOString(),
      client: "203.0.113.7",
      user: "frank",
      method: "GET",
      path: "/a%20page",
      query: "q=1&r=2",
      protocol: "HTTP/1.1",
      status: 200,
      bytes: 2326,
      durationMs: 2015.432,
      referer: "https://example.org/",
      userAgent: "Mozilla/5.0",
      requestId: "abc-1",
      pid: PID,
    });
  });

  test("says null for what there is not, and that a reply was cut", () => {
    const nothing = { address: undefined, method: "", target: "", version: "", headers: {}, isCut: true };
    expect(JSON.parse(line("json", nothing))).toMatchObject({
      client: null,
      user: null,
      method: null,
      path: null,
      query: null,
      protocol: null,
      referer: null,
      userAgent: null,
      requestId: null,
      cut: true,
    });
  });

  test("gives back whatever a client has sent, in one line of ASCII", () => {
    const format = compileFormat("json", PID);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (value, id) => {
        const text = format(entry({ headers: { "user-agent": value, "x-request-id": id } }));
        expect(text).toMatch(/^[\x20-\x7e]*\n$/);
        expect(JSON.parse(text)).toMatchObject({ userAgent: value, requestId: id });
      }),
    );
  });
});
