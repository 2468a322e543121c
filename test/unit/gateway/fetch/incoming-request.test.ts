/** The light Request of a request that came in against one of Node's own, with the same head and body. */

import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installLightClasses } from "../../../../src/gateway/fetch/index.ts";
import { fetchApplication } from "../../../../src/gateway/fetch/application.ts";
import { NativeRequest } from "../../../../src/gateway/fetch/native.ts";
import { FakeExchange, type FakeRequest, run } from "../fake-exchange.ts";
import { outcome, READS } from "./outcome.ts";

let undo: () => void;
beforeAll(() => {
  undo = installLightClasses();
});
afterAll(() => undo());

type Use = (request: Request) => unknown;

/** The request that a handler is called with. */
function incoming(request: FakeRequest | FakeExchange): Request {
  let seen: Request | undefined;
  const exchange = run(
    fetchApplication((given) => {
      seen = given;
      return new Promise<never>(() => {});
    }),
    request,
  );
  expect(exchange.errors).toEqual([]);
  return seen as Request;
}

function native(request: FakeRequest): Request {
  const { method = "GET", headers = ["Host", "example.org"], input } = request;
  const pairs: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i] as string, headers[i + 1] as string]);
  return new NativeRequest(`http://example.org${request.target ?? "/"}`, {
    method,
    headers: pairs,
    body: input === undefined ? null : new Blob([...input]).stream(),
    ...(input === undefined ? {} : { duplex: "half" as const }),
  });
}

const NOT_COMPARED = new Set(["constructor", "signal", "body", "headers", "clone", ...Object.keys(READS)]);
const plainKeys = Object.keys(Object.getOwnPropertyDescriptors(NativeRequest.prototype)).filter(
  (key) => !NOT_COMPARED.has(key) && !key.startsWith("text"),
);

function shown(request: Request): unknown {
  const plain = plainKeys.map((key) => [key, Reflect.get(request, key) as unknown]);
  return { plain, headers: [...request.headers], aborted: request.signal.aborted };
}

async function expectSame(request: FakeRequest, use: Use, name?: string): Promise<void> {
  for (const isShownBefore of [true, false]) {
    const story = (made: Request) =>
      outcome(async () => {
        const before = isShownBefore ? shown(made) : undefined;
        const used = await outcome(() => use(made));
        return { before, used, after: shown(made), read: await outcome(() => made.text()), end: made.bodyUsed };
      });
    expect(await story(incoming(request)), name).toEqual(await story(native(request)));
  }
}

const CHUNKED = ["Host", "example.org", "Transfer-Encoding", "chunked"];
const FORM = ["Host", "example.org", "Content-Type", "application/x-www-form-urlencoded", "Content-Length", "11"];
const MULTIPART = [...CHUNKED, "Content-Type", "multipart/form-data; boundary=b"];
const PARTS = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';

const requests: Record<string, FakeRequest> = {
  "a GET": {},
  "a GET with headers": { headers: ["Host", "example.org", "X-A", "1", "x-a", "2", "Cookie", "a", "Cookie", "b"] },
  "a HEAD": { method: "HEAD" },
  "a DELETE without a body": { method: "DELETE" },
  "an unknown method": { method: "M-SEARCH" },
  "a PATCH": { method: "PATCH", headers: CHUNKED, input: ["{}"] },
  "a POST of text": { method: "POST", headers: CHUNKED, input: ["he", "llo"] },
  "a POST of JSON": { method: "POST", headers: CHUNKED, input: ["[1", "]"] },
  "a POST with a BOM": { method: "POST", headers: CHUNKED, input: ["\ufeff[1]"] },
  "a POST of nothing": { method: "POST", headers: CHUNKED, input: [] },
  "a form": { method: "POST", headers: FORM, input: ["a=b+c&d=%41"] },
  "a multipart form": { method: "POST", headers: MULTIPART, input: [PARTS] },
  "a broken multipart form": { method: "POST", headers: MULTIPART, input: ["--c"] },
};

const uses: Record<string, Use> = {
  nothing: () => undefined,
  "a change of its headers": (r) => {
    r.headers.set("x-a", "z");
    return [r.headers === r.headers, [...r.headers]];
  },
  "a request made of it": async (r) => {
    const made = new Request(r);
    return [made.url, made.method, [...made.headers], await made.text(), r.bodyUsed];
  },
  "a request made of it, changed": async (r) => {
    r.headers.set("x-a", "z");
    const made = new Request(r, { headers: { x: "y" }, method: "PUT" });
    return [made.url, made.method, [...made.headers], await made.text()];
  },
  "a request to elsewhere with it as init": async (r) => {
    const made = new Request("http://else.where/", r);
    return [made.url, made.method, [...made.headers], await made.text()];
  },
  "Headers made of its own": (r) => [...new Headers(r.headers)],
  "a clone after a change": (r) => {
    r.headers.set("x-a", "z");
    return [...r.clone().headers];
  },
  "a clone of what was read": async (r) => {
    await r.text();
    return shown(r.clone());
  },
  "a request of what was read": async (r) => {
    await r.text();
    return new Request(r).url;
  },
  "a structured clone": (r) => void structuredClone(r),
  "a response of its body": (r) => new Response(r.body).text(),
  "a read with a buffer of its own": async (r) => {
    const reader = r.body?.getReader({ mode: "byob" });
    const { value, done } = (await reader?.read(new Uint8Array(1))) ?? {};
    return [value === undefined ? 0 : Buffer.from(value as Uint8Array).length, done];
  },
};

test.each(Object.entries(requests))("%s is like Node's own after any use", async (_, request) => {
  for (const [name, use] of Object.entries({ ...uses, ...READS })) await expectSame(request, use, name);
});

test("any reads one after the other come out as Node's own do", async () => {
  const read = fc.constantFrom(...Object.keys(READS)) as fc.Arbitrary<keyof typeof READS>;
  const request = fc.constantFrom(...Object.values(requests));
  await fc.assert(
    fc.asyncProperty(request, fc.array(read, { maxLength: 4 }), (given, names) =>
      expectSame(given, async (r) => {
        const seen: unknown[] = [];
        for (const name of names) seen.push(await outcome(() => READS[name](r)), r.bodyUsed);
        return seen;
      }),
    ),
    { numRuns: 300 },
  );
});

test("whatever bytes come, its text and JSON are what Node's own make of them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.constantFrom("text", "json"), async (bytes, read) => {
      const exchange = new FakeExchange({ method: "POST", headers: CHUNKED });
      const chunks = [bytes, new Uint8Array(0)];
      exchange.read = () => Promise.resolve(chunks.shift() as Uint8Array);
      const made = await outcome(() => incoming(exchange)[read as "text"]());
      expect(made).toEqual(await outcome(() => new NativeRequest("http://h/", { method: "POST", body: bytes as never })[read as "text"]())); // prettier-ignore
    }),
  );
});

describe("a light Request", () => {
  test("is an instance of both classes, as Node's own is", () => {
    class Mine extends Request {}
    expect(incoming({})).toBeInstanceOf(Request);
    expect(incoming({})).toBeInstanceOf(NativeRequest);
    expect(new NativeRequest("http://h/")).toBeInstanceOf(Request);
    expect(new Mine("http://h/")).toBeInstanceOf(Mine);
    expect(new Mine(incoming({}))).toBeInstanceOf(Request);
    expect(incoming({})).not.toBeInstanceOf(Mine);
  });

  test("is named, tagged, listed and printed like Node's own", () => {
    const light = incoming({});
    expect(Object.prototype.toString.call(light)).toBe("[object Request]");
    expect([light.constructor, Request.name, Request.length]).toEqual([Request, "Request", 1]);
    expect(Object.keys(light)).toEqual([]);
    const native = new NativeRequest("http://h/");
    expect(listed(light)).toEqual(listed(native));
    expect(listed(new Request("http://h/"))).toEqual(listed(native));
    expect(inspect(light)).toMatch(/^Request \{[^]*method: 'GET'[^]*url: 'http:\/\/example\.org\/'/);
  });

  test("has members that can be taken from Request.prototype", async () => {
    const asked = () => incoming({ method: "POST", headers: CHUNKED, input: ["x"] });
    const url = (of: object) => Reflect.get(Request.prototype, "url", of) as unknown;
    expect(Object.hasOwn(Request.prototype, "url")).toBe(true);
    expect(url(asked())).toBe("http://example.org/");
    expect(url(new Request("http://h/"))).toBe("http://h/");
    expect(await Request.prototype.text.call(asked())).toBe("x");
    expect(() => url({})).toThrow(TypeError);
    await expect(Request.prototype.text.call({} as Request)).rejects.toThrow(TypeError);
  });

  test("has clones that are as it is", async () => {
    const request = incoming({ method: "POST", headers: CHUNKED, input: ["x"] });
    const clone = request.clone();
    expect([clone.constructor, clone instanceof Request]).toEqual([Request, true]);
    expect(clone.clone().url).toBe("http://example.org/");
    expect(await Promise.all([clone.text(), request.text()])).toEqual(["x", "x"]);
  });

  test("refuses its members to what is no Request", () => {
    expect(() => Reflect.get(Object.getPrototypeOf(incoming({})) as object, "cache") as unknown).toThrow(TypeError);
    expect(() => Reflect.get(Object.getPrototypeOf(incoming({})) as object, "url") as unknown).toThrow(TypeError);
  });

  test("reads nothing before it is asked, and makes no signal", () => {
    const exchange = new FakeExchange({ method: "POST", headers: CHUNKED, input: ["x"] });
    const request = incoming(exchange);
    expect([request.url, request.method, request.headers.get("host")]).toEqual(["http://example.org/", "POST", "example.org"]); // prettier-ignore
    void request.body;
    expect(exchange.verbs).toEqual([]);
  });

  test("aborts its signal, and that of Node's own made of it, when the client goes", () => {
    const exchange = new FakeExchange();
    const request = incoming(exchange);
    const { signal } = request;
    const copy = new Request(request);
    exchange.leave();
    expect(request.signal).toBe(signal);
    expect([signal.aborted, copy.signal.aborted]).toEqual([true, true]);
    expect(signal.reason).toMatchObject({ name: "AbortError" });
  });

  test("gives no memory away that is not its own", async () => {
    const exchange = new FakeExchange({ method: "POST", headers: CHUNKED });
    const block = Buffer.from("abc def");
    const chunks = [block.subarray(0, 3), Buffer.alloc(0)];
    exchange.read = () => Promise.resolve(chunks.shift() as Buffer);
    const reader = incoming(exchange).body?.getReader();
    const part = await reader?.read();
    expect(Buffer.from(part?.value as Uint8Array).toString()).toBe("abc");
    expect(block.toString()).toBe("abc def");
  });

  test("has the body that middleware put in place of the one that came", async () => {
    const inner = fetchApplication(async (request) => new Response(await request.text()));
    const exchange = run(
      (environ: Parameters<typeof inner>[0], startResponse: Parameters<typeof inner>[1]) => {
        delete environ.HTTP_TRANSFER_ENCODING;
        const read = () => Promise.resolve(Buffer.from("other"));
        environ["gateway.input"] = {
          read,
          [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error()) }),
        };
        return inner(environ, startResponse);
      },
      { method: "POST", headers: CHUNKED, input: ["x"] },
    );
    await exchange.done;
    expect(exchange.body).toBe("other");
  });
});

function listed(object: object): string[] {
  const keys: string[] = [];
  for (const key in object) keys.push(key);
  return keys.sort();
}
