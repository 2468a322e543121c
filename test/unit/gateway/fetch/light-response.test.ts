/** The light Response against Node's own: whatever is done to both, they show the same or fail alike. */

import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LightResponse } from "../../../../src/gateway/fetch/light-response.ts";
import { NativeResponse } from "../../../../src/gateway/fetch/native.ts";
import { outcome, READS, shown } from "./outcome.ts";

const Light = LightResponse as unknown as typeof Response;
type Maker = (Class: typeof Response) => unknown;
type Use = (response: Response, Class: typeof Response) => unknown;

/** What `use` does to what `make` gives, and every part of it after, and before when that is to be looked at. */
async function story(Class: typeof Response, make: Maker, use: Use, isShownBefore: boolean): Promise<unknown> {
  // What the constructor throws must not be thrown later instead.
  const made = await outcome(() => [make(Class) as Response]);
  if ("error" in made) return made;
  return outcome(async () => {
    const [response] = made.value as [Response];
    const before = isShownBefore ? shown(response) : undefined;
    const used = await outcome(() => use(response, Class));
    return { before, used, after: shown(response), read: await outcome(() => response.text()) };
  }).then((told) => ({ told }));
}

async function expectSame(make: Maker, use: Use, name?: string): Promise<void> {
  for (const isShownBefore of [true, false]) {
    const light = await story(Light, make, use, isShownBefore);
    expect(light, name).toEqual(await story(NativeResponse, make, use, isShownBefore));
  }
}

const made: Record<string, Maker> = {
  nothing: (R) => new R(),
  "undefined for both": (R) => new R(undefined, undefined),
  "null for both": (R) => new R(null, null as never),
  text: (R) => new R("héllo \ud800"),
  "empty text": (R) => new R(""),
  bytes: (R) => new R(Buffer.from("abc")),
  "no bytes": (R) => new R(new Uint8Array(0)),
  "a view of bytes": (R) => new R(new Uint8Array([1, 65, 66, 2]).subarray(1, 3)),
  "shared bytes": (R) => new R(new Uint8Array(new SharedArrayBuffer(2)) as never),
  "an ArrayBuffer": (R) => new R(new TextEncoder().encode("abc").buffer),
  "a number": (R) => new R(5 as never),
  "a symbol": (R) => new R(Symbol("x") as never),
  "an object": (R) => new R({} as never),
  "a blob": (R) => new R(new Blob(["abc"], { type: "a/b" })),
  "search params": (R) => new R(new URLSearchParams({ a: "b c" })),
  "a stream": (R) => new R(new Blob(["abc"]).stream()),
  "an async iterable": (R) => new R(new Set([Buffer.from("a")]).values() as never),
  "init that is a number": (R) => new R("x", 5 as never),
  "init that is a function": (R) => new R("x", (() => {}) as never),
  "a status": (R) => new R("x", { status: 404 }),
  "a status in letters": (R) => new R("x", { status: "404" as never }),
  "status null": (R) => new R("x", { status: null as never }),
  "status beyond 16 bits": (R) => new R("x", { status: 65_736 }),
  "a broken status": (R) => new R("x", { status: 200.5 }),
  "status NaN": (R) => new R("x", { status: Number.NaN }),
  "status 101": (R) => new R(null, { status: 101 }),
  "status 199": (R) => new R(null, { status: 199 }),
  "status 600": (R) => new R(null, { status: 600 }),
  "204 with a body": (R) => new R("x", { status: 204 }),
  "204 with an empty body": (R) => new R("", { status: 204 }),
  "204 without": (R) => new R(null, { status: 204 }),
  "304 without": (R) => new R(null, { status: 304, headers: { etag: "x" } }),
  "205 with a body": (R) => new R("x", { status: 205 }),
  "a reason": (R) => new R("x", { statusText: "Fine\tthen \xe9" }),
  "a reason with a line end": (R) => new R("x", { statusText: "a\r\nb" }),
  "a reason beyond latin-1": (R) => new R("x", { statusText: "\u20ac" }),
  "a reason that is null": (R) => new R("x", { statusText: null as never }),
  "headers null": (R) => new R("x", { headers: null as never }),
  "headers undefined": (R) => new R("x", { headers: undefined as never }),
  "a Content-Type": (R) => new R("x", { headers: { "Content-TYPE": "a/b" } }),
  "a list of headers": (R) => new R("x", { headers: [["A", "1"], ["a", "2"], ["Set-Cookie", "b"], ["set-cookie", "c"]] }), // prettier-ignore
  "a triple": (R) => new R("x", { headers: [["A", "1", "2"]] as never }),
  "Headers": (R) => new R("x", { headers: new Headers([["b", "1"], ["set-cookie", "c"], ["set-cookie", "d"]]) }), // prettier-ignore
  "a Map as headers": (R) => new R("x", { headers: new Map([["a", "b"]]) as never }),
  "numbers as values": (R) => new R("x", { headers: { a: 5 } as never }),
  "a value to be trimmed": (R) => new R("x", { headers: { a: " \t b \t" } }),
  "a value with a line end": (R) => new R("x", { headers: { a: "b\r\nc: d" } }),
  "a value that ends in a line end": (R) => new R("x", { headers: { a: "b\r\n" } }),
  "a value with NUL": (R) => new R("x", { headers: { a: "b\0" } }),
  "a value beyond latin-1": (R) => new R("x", { headers: { a: "\u20ac" } }),
  "a name with a space": (R) => new R("x", { headers: { "a b": "c" } }),
  "an empty name": (R) => new R("x", { headers: { "": "c" } }),
  "a symbol as name": (R) => new R("x", { headers: { [Symbol("a")]: "c" } as never }),
  "headers of a class": (R) => new R("x", { headers: Object.assign(Object.create({ inherited: "1" }), { own: "2" }) }), // prettier-ignore
  "a response as init": (R) => new R("y", new R("x", { status: 404, headers: { a: "b" } })),
  "a response's body and init": (R) => {
    const first = new R("x", { status: 404, headers: { a: "b" } });
    return new R(first.body, first);
  },
  json: (R) => R.json({ a: [1, "é"] }),
  "json with init": (R) => R.json([], { status: 201, headers: { a: "b" } }),
  "json with its own type": (R) => R.json([], { headers: { "Content-Type": "application/problem+json" } }),
  "json with odd headers": (R) => R.json([], { headers: new Map([["a", "b"]]) as never }),
  "json of nothing": (R) => R.json(undefined),
  "json of a circle": (R) => {
    const circle: unknown[] = [];
    circle.push(circle);
    return R.json(circle);
  },
  "json with 204": (R) => R.json(1, { status: 204 }),
  redirect: (R) => R.redirect("http://a/b c", 307),
  "redirect by default": (R) => R.redirect("http://a/", undefined as never),
  "redirect with a wrong status": (R) => R.redirect("http://a/", 200 as never),
  "redirect to nowhere": (R) => R.redirect("http://", 302),
  error: (R) => R.error(),
  "a call without new": (R) => (R as unknown as () => unknown)(),
  "a derived class": (R) => new (class Mine extends R {})("x", { status: 201 }),
};

const uses: Record<string, Use> = {
  nothing: () => undefined,
  "a change of its headers": (r) => {
    r.headers.set("A", "z");
    r.headers.append("set-cookie", "e");
    r.headers.delete("content-type");
    return [r.headers === r.headers, [...r.headers]];
  },
  "a bad header": (r) => r.headers.set("a", "\r\n"),
  "a blob after a change of its type": (r) => {
    const { body } = r;
    r.headers.set("content-type", "c/d");
    return body === null ? null : r.blob().then((blob) => blob.type);
  },
  "two clones": async (r) => [await r.clone().text(), shown(r.clone()), r.clone().headers === r.headers],
  "a clone after a change": (r) => {
    r.headers.set("a", "z");
    const clone = r.clone();
    r.headers.set("a", "y");
    return shown(clone);
  },
  "a clone of what was read": async (r) => {
    await r.text();
    return shown(r.clone());
  },
  "a lock": (r) => {
    r.body?.getReader();
    return [r.body?.locked, r.bodyUsed];
  },
  "a second response of its body": (r, R) => shown(new R(r.body, r)),
  "a response of a used body": async (r, R) => {
    await r.text();
    return new R(r.body).status;
  },
  "a structured clone": (r) => void structuredClone(r),
  "the body twice": (r) => r.body === r.body,
  "a write to a getter": (r) => {
    (r as unknown as { status: number }).status = 5;
    return r.status;
  },
};

test.each(Object.entries(made))("made of %s, it is like Node's own after any use", async (_, make) => {
  for (const [name, use] of Object.entries({ ...uses, ...READS })) await expectSame(make, use, name);
});

const headerName = fc.oneof(
  fc.constantFrom("a", "A", "Set-Cookie", "content-type", "X-1"),
  fc.string({ maxLength: 4 }),
);
const headerValue = fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: "binary", maxLength: 4 }), fc.constantFrom(" a", "a\t", "\x01", "\x7f", "\xe9", "a\nb", "\r\n a")); // prettier-ignore
const headers = fc.oneof(
  fc.dictionary(headerName, headerValue, { maxKeys: 3 }),
  fc.array(fc.tuple(headerName, headerValue), { maxLength: 4 }),
);
const init = fc.record(
  {
    status: fc.oneof(fc.integer({ min: 190, max: 610 }), fc.constantFrom(204, 205, 304, -1, 0, 101)),
    statusText: headerValue,
    headers,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(fc.string(), fc.constant(null), fc.uint8Array({ maxLength: 5 }), fc.string({ unit: "binary" }));

test("whatever it is made of, it shows what Node's own shows and reads the same", async () => {
  await fc.assert(
    fc.asyncProperty(body, fc.option(init, { nil: undefined }), fc.constantFrom(...Object.values(READS)), (b, i, use) =>
      expectSame((R) => new R(b as string, i), use as Use),
    ),
    { numRuns: 500 },
  );
});

test("any two reads one after the other come out as Node's own do", async () => {
  const read = fc.constantFrom(...Object.keys(READS)) as fc.Arbitrary<keyof typeof READS>;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("[1]", "", null), fc.array(read, { maxLength: 4 }), (text, names) =>
      expectSame(
        (R) => new R(text),
        async (r) => {
          const seen: unknown[] = [];
          for (const name of names) seen.push(await outcome(() => READS[name](r)), r.bodyUsed);
          return seen;
        },
      ),
    ),
    { numRuns: 300 },
  );
});

describe("a light Response", () => {
  test("is an instance of Node's class, and Node's objects are instances of its class", () => {
    class Mine extends Light {}
    expect(new Light()).toBeInstanceOf(NativeResponse);
    expect(new NativeResponse()).toBeInstanceOf(Light);
    expect(new Mine()).toBeInstanceOf(Mine);
    expect(new Mine()).toBeInstanceOf(Light);
    expect(new Light()).not.toBeInstanceOf(Mine);
    expect({}).not.toBeInstanceOf(Light);
    expect(null).not.toBeInstanceOf(Light);
  });

  test("keeps its own copy of the bytes and headers", async () => {
    const bytes = Buffer.from("abc");
    const fields = { a: "b" };
    const response = new Light(bytes, { headers: fields });
    bytes.fill(0);
    fields.a = "c";
    expect([await response.text(), response.headers.get("a")]).toEqual(["abc", "b"]);
  });

  test.each([3, 5000])("of the same %i bytes again and again has those of its time", async (length) => {
    const bytes = Buffer.alloc(length, "a");
    const responses = [new Light(bytes), new Light(bytes)];
    bytes[length - 1] = 98;
    responses.push(new Light(bytes), new Light(bytes));
    bytes.fill("c");
    const texts = await Promise.all(responses.map(async (response) => (await response.text()).slice(-2)));
    expect(texts).toEqual(["aa", "aa", "ab", "ab"]);
  });

  test("is named, tagged, listed and printed like Node's own", () => {
    const [light, native] = [new Light("x"), new NativeResponse("x")];
    expect(Object.prototype.toString.call(light)).toBe("[object Response]");
    expect([Light.name, Light.length, light.constructor.name]).toEqual(["Response", 0, "Response"]);
    expect(Object.keys(light)).toEqual([]);
    const listed = (object: object) => {
      const keys: string[] = [];
      for (const key in object) keys.push(key);
      return keys.sort();
    };
    expect(listed(light)).toEqual(listed(native));
    expect(listed(Light)).toEqual(listed(NativeResponse));
    expect(inspect(light)).toBe(inspect(native));
  });

  test("refuses its members to what is no Response", async () => {
    const keys = Object.getOwnPropertyNames(Light.prototype).filter((key) => key !== "constructor");
    expect(keys).toContain("text");
    for (const key of keys) {
      const use = () => {
        const member: unknown = Reflect.get(Light.prototype, key, {});
        return Reflect.apply(member as () => unknown, {}, []);
      };
      expect(await outcome(use), key).toEqual({ error: "TypeError" });
    }
  });

  test.each(["x", null, new Blob(["x"]).stream()])("of %s has clones that are as it is", async (body) => {
    const response = new Light(body, { status: 201, headers: { a: "b" } });
    const clone = response.clone();
    expect(clone.constructor).toBe(Light);
    response.headers.set("a", "c");
    expect([clone.status, clone.headers.get("a"), clone.clone().headers.get("a")]).toEqual([201, "b", "b"]);
    expect(await clone.text()).toBe(await response.text());
  });

  test("is used when it was taken to be sent, unless it has no body", async () => {
    const response = new Light("x");
    expect(LightResponse.take(response)).toEqual(expect.objectContaining({ status: 200, body: "x" }));
    expect(response.bodyUsed).toBe(true);
    expect(LightResponse.take(response)).toBeUndefined();
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    const empty = new Light();
    LightResponse.take(empty);
    expect([empty.bodyUsed, LightResponse.take(empty)?.body]).toEqual([false, null]);
  });
});
