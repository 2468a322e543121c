/** What a gateway answers for what a fetch handler returns, with Node's own classes and with the light ones. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchApplication, type FetchHandler, installLightClasses } from "../../../../src/gateway/fetch/index.ts";
import { hasLightClasses } from "../../../../src/gateway/fetch/install.ts";
import { NativeRequest, NativeResponse, nativeFetch } from "../../../../src/gateway/fetch/native.ts";
import { FakeExchange, type FakeRequest, onlyError, run } from "../fake-exchange.ts";

type Make = () => unknown;

async function answer(make: Make | FetchHandler, request: FakeRequest | FakeExchange = {}): Promise<FakeExchange> {
  const exchange = run(fetchApplication(make as FetchHandler), request);
  await exchange.done;
  return exchange;
}

function headersOf({ sentHeaders }: FakeExchange): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < sentHeaders.length; i += 2) pairs.push([(sentHeaders[i] as string).toLowerCase(), sentHeaders[i + 1] as string]); // prettier-ignore
  return pairs;
}

const PROXIED = {
  connection: "keep-alive, X-Private",
  "keep-alive": "timeout=5",
  "transfer-encoding": "chunked",
  "x-private": "1",
  upgrade: "h2c",
  status: "200 OK",
  "x-kept": "a\tb",
};

test("takes a function and nothing else", () => {
  expect(() => fetchApplication({ fetch() {} } as never)).toThrow("a fetch handler is a function, not an object");
});

test("light classes take the place of the globals, once, and give it back", () => {
  const undo = installLightClasses();
  const light = [Request, Response, fetch];
  installLightClasses();
  expect([Request, Response, fetch]).toEqual(light);
  expect(light).not.toContain(NativeResponse);
  expect(Object.keys(globalThis)).toContain("fetch");
  expect(Object.keys(globalThis)).not.toContain("Response");
  undo();
  expect([Request, Response, fetch, hasLightClasses()]).toEqual([NativeRequest, NativeResponse, nativeFetch, false]);
});

describe.each(["native", "light"])("with %s classes", (kind) => {
  let undo = (): void => {};
  beforeAll(() => {
    if (kind === "light") undo = installLightClasses();
  });
  afterAll(() => undo());

  test("a handler is called with a Request and the environ", async () => {
    const seen: unknown[] = [];
    await answer((request: Request, environ) => {
      seen.push(request, environ.REQUEST_URI);
      return new Response();
    });
    expect(seen).toEqual([expect.any(Request), "/"]);
  });

  test.each<[string, Make]>([
    ["at once", () => new Response("x", { status: 201, statusText: " Made\tso" })],
    ["by a promise", () => Promise.resolve(new Response("x", { status: 201, statusText: " Made\tso" }))],
    ["by any thenable", () => ({ then: (f: (r: Response) => void) => f(new Response("x", { status: 201, statusText: "Made so" })) })], // prettier-ignore
  ])("a Response %s is sent with its reason", async (_, make) => {
    const exchange = await answer(make);
    expect([exchange.status, exchange.body]).toEqual([201, "x"]);
    expect(headersOf(exchange)).toEqual([["content-type", "text/plain;charset=UTF-8"]]);
  });

  test.each<[string, Make, string]>([
    [
      "nothing",
      () => undefined,
      "the fetch handler returned undefined; it must return a Response, or a promise of one",
    ],
    ["text", () => "x", "the fetch handler returned a string; it must return a Response, or a promise of one"],
    ["an object", async () => ({ status: 200 }), "the fetch handler returned an object; it must return"],
    ["Response.error()", () => Response.error(), "the fetch handler returned Response.error()"],
    [
      "a Response that was read",
      async () => {
        const response = new Response("x");
        await response.text();
        return response;
      },
      "whose body was used already",
    ],
    [
      "a Response that is locked",
      () => {
        const response = new Response("x");
        response.body?.getReader();
        return response;
      },
      "whose body is locked",
    ],
    ["a header that cannot be sent", () => new Response("x", { headers: { a: "\x01" } }), "a control character"],
    [
      "a throw",
      () => {
        throw new Error("of the handler");
      },
      "of the handler",
    ],
    ["a rejection", () => Promise.reject(new Error("of the handler")), "of the handler"],
  ])("%s is an error, reported once, and 500", async (_, make, message) => {
    // prettier-ignore
    const exchange = await answer(make);
    expect(onlyError(exchange)).toContain(message);
    expect([exchange.status, exchange.verbs.at(-1)]).toEqual([500, "end Internal Server Error\n"]);
  });

  test("the same Response twice is an error the second time", async () => {
    const response = new Response("x");
    expect((await answer(() => response)).status).toBe(200);
    expect(onlyError(await answer(() => response))).toContain("used already");
    const empty = new Response(null, { status: 204 });
    expect([(await answer(() => empty)).status, (await answer(() => empty)).status]).toEqual([204, 204]);
  });

  test("a body whose head cannot be sent is cancelled", async () => {
    let reason: unknown = "none";
    const body = new ReadableStream({ cancel: () => void (reason = "cancelled") });
    await answer(() => new Response(body, { headers: { a: "\x01" } }));
    expect(reason).toBe("cancelled");
  });

  test("what belongs to a connection is dropped, as is what Connection names", async () => {
    const bodies = ["x", new Blob(["x"]).stream(), null];
    for (const body of bodies) {
      const exchange = await answer(() => new Response(body, { headers: { ...PROXIED, "content-type": "a/b" } }));
      expect(exchange.errors).toEqual([]);
      expect(headersOf(exchange).sort()).toEqual([["content-type", "a/b"], ["x-kept", "a b"]]); // prettier-ignore
    }
  });

  test("the Content-Length of a stream is sent, that of a body in hand is counted", async () => {
    const headers = { "content-length": "3" };
    expect((await answer(() => new Response(new Blob(["abc"]).stream(), { headers }))).length).toBe(3);
    expect((await answer(() => new Response(null, { headers }))).length).toBe(0);
    const exchange = await answer(() => new Response("abcd", { headers }));
    if (kind === "light") expect([exchange.length, exchange.errors]).toEqual([4, []]);
  });

  test("cookies keep their lines", async () => {
    const exchange = await answer(() => {
      const response = new Response("x", { headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] }); // prettier-ignore
      response.headers.append("set-cookie", "c=3");
      return response;
    });
    expect(headersOf(exchange).filter(([name]) => name === "set-cookie").map((pair) => pair[1])).toEqual(["a=1", "b=2", "c=3"]); // prettier-ignore
  });

  test.each([
    ["text", () => new Response("abc")],
    ["a stream", () => new Response(new ReadableStream({ pull: (c) => c.enqueue(Buffer.from("abc")) }))],
    ["nothing", () => new Response(null, { headers: { "content-length": "3" } })],
  ])("HEAD for %s sends the head of a GET and no body", async (_, make) => {
    const exchange = await answer(make, { method: "HEAD" });
    expect([exchange.status, exchange.body, exchange.errors]).toEqual([200, "", []]);
    expect(exchange.length).not.toBe(0);
  });

  test("HEAD cancels a stream without reading it", async () => {
    const calls: string[] = [];
    const source = { pull: () => void calls.push("pull"), cancel: () => void calls.push("cancel") };
    await answer(() => new Response(new ReadableStream(source, { highWaterMark: 0 })), { method: "HEAD" });
    expect(calls).toEqual(["cancel"]);
  });

  test("a derived class says what is sent", async () => {
    class Teapot extends Response {}
    Object.defineProperty(Teapot.prototype, "status", { get: () => 418 });
    const exchange = await answer(() => new Teapot("short"));
    expect([exchange.status, exchange.body]).toEqual([418, "short"]);
  });

  test("a Response of another implementation is one", async () => {
    const foreign = {
      status: 203,
      statusText: "",
      headers: new Headers({ a: "b" }),
      body: new Blob(["x"]).stream(),
      bodyUsed: false,
      type: "default",
      url: "",
    };
    const exchange = await answer(() => foreign);
    expect([exchange.status, exchange.body, headersOf(exchange)]).toEqual([203, "x", [["a", "b"]]]);
  });

  test.each(["TRACE", "CONNECT", "TRACK", "trace"])("%s is refused with 501", async (method) => {
    const exchange = await answer(() => new Response(), { method });
    expect([exchange.status, exchange.errors]).toEqual([501, []]);
  });

  test("a method keeps its spelling unless fetch gives it another", async () => {
    const methods = ["get", "Patch", "patch", "pUT", "QUERY"];
    const seen: string[] = [];
    for (const method of methods) {
      await answer((request: Request) => {
        seen.push(request.method);
        return new Response();
      }, { method }); // prettier-ignore
    }
    expect(seen).toEqual(methods.map((method) => new NativeRequest("http://h/", { method }).method));
  });

  test("a host that no URL can have is refused with 400", async () => {
    const exchange = await answer(() => new Response(), { headers: ["Host", "1.2.3.4.5"] });
    expect([exchange.status, exchange.errors]).toEqual([400, []]);
  });

  test("a stream goes out chunk by chunk as the client takes it, and is cancelled when it goes", async () => {
    let pulled = 0;
    let cancelled: (value: unknown) => void;
    const whenCancelled = new Promise((resolve) => {
      cancelled = resolve;
    });
    const source = { pull: (c: ReadableStreamDefaultController) => c.enqueue(Buffer.from(String((pulled += 1)))), cancel: () => cancelled("yes") }; // prettier-ignore
    const exchange = new FakeExchange();
    exchange.hasRoom = false;
    run(
      fetchApplication(() => new Response(new ReadableStream(source, { highWaterMark: 0 }))),
      exchange,
    );
    await exchange.recorded(2);
    expect(pulled).toBe(1);
    exchange.drain();
    exchange.hasRoom = false;
    await exchange.recorded(3);
    exchange.leave();
    expect(await whenCancelled).toBe("yes");
    expect(exchange.errors).toEqual([]);
  });

  test("a Response that comes when the client is gone is cancelled", async () => {
    const exchange = new FakeExchange();
    let resolve!: (response: Response) => void;
    const cancelled = new Promise((done) => {
      run(fetchApplication(() => new Promise((r) => { resolve = r; })), exchange); // prettier-ignore
      exchange.leave();
      resolve(new Response(new ReadableStream({ cancel: () => done("yes") })));
    });
    expect(await cancelled).toBe("yes");
    expect(exchange.verbs).toEqual([]);
  });

  test("a stream that breaks after its head breaks the connection", async () => {
    let count = 0;
    const pull = (c: ReadableStreamDefaultController): void => {
      if ((count += 1) > 1) throw new Error("of the stream");
      c.enqueue(Buffer.from("x"));
    };
    const exchange = await answer(() => new Response(new ReadableStream({ pull }, { highWaterMark: 0 })));
    expect(exchange.verbs).toEqual(["head 200", "write x", "destroy"]);
    expect(onlyError(exchange)).toBe("of the stream");
  });
});

test("a light Response leaves at once, in one piece, with its length and without a promise", () => {
  const undo = installLightClasses();
  try {
    const exchange = run(fetchApplication(() => new Response("héllo")));
    expect(exchange.verbs).toEqual(["head 200", "end héllo"]);
    expect([exchange.length, exchange.watcher]).toEqual([6, undefined]);
  } finally {
    undo();
  }
});
