import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { describe, expect, test } from "vitest";
import type { Environ, StartResponse } from "../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run } from "./fake-exchange.ts";

const answer = (body: unknown) => (_: unknown, startResponse: StartResponse) => {
  startResponse(200, []);
  return body;
};

/** A body that counts what is done to it. */
class Counted implements Iterable<string> {
  readonly chunks: readonly string[];
  readonly failAt: number;
  pulls = 0;
  returns = 0;
  closes = 0;
  pullsAfterClose = 0;

  constructor(chunks: readonly string[], failAt = -1) {
    this.chunks = chunks;
    this.failAt = failAt;
  }

  [Symbol.iterator](): Iterator<string, undefined> {
    return {
      next: () => {
        if (this.closes > 0) this.pullsAfterClose += 1;
        const at = this.pulls++;
        if (at === this.failAt) throw new Error("midway");
        return at < this.chunks.length
          ? { done: false, value: this.chunks[at] as string }
          : { done: true, value: undefined };
      },
      return: () => {
        this.returns += 1;
        return { done: true, value: undefined };
      },
    };
  }

  close() {
    this.closes += 1;
  }
}

/** The same as an async body. */
class CountedAsync extends Counted {
  [Symbol.asyncIterator](): AsyncIterator<string, undefined> {
    const iterator = this[Symbol.iterator]();
    return {
      next: async () => iterator.next(),
      return: async () => iterator.return?.() ?? { done: true, value: undefined },
    };
  }
}

describe.each([
  ["an iterable", Counted],
  ["an async iterable", CountedAsync],
])("close() of %s is called exactly once", (_, Body) => {
  test("when it is through; it is not left as well", async () => {
    const body = new Body(["a", "b"]);
    const exchange = run(answer(body));
    await exchange.done;
    expect(exchange.verbs).toEqual(["head 200", "write a", "write b", "end"]);
    expect([body.closes, body.returns, body.pulls, body.pullsAfterClose]).toEqual([1, 0, 3, 0]);
  });

  test.each([0, 1])("when pull %i throws", async (failAt) => {
    const body = new Body(["a", "b"], failAt);
    const exchange = run(answer(body));
    expect(await exchange.done).toBe(failAt === 0 ? "end" : "destroy");
    expect([body.closes, body.returns]).toEqual([1, 0]);
  });

  test("when startResponse was never called", async () => {
    const body = new Body(["a"]);
    const exchange = run(() => body);
    await exchange.done;
    expect([exchange.status, body.closes, body.returns]).toEqual([500, 1, 1]);
  });

  test("for HEAD", async () => {
    const body = new Body(["a", "b"]);
    const exchange = run(answer(body), { method: "HEAD" });
    await exchange.done;
    expect([body.closes, body.returns, body.pulls]).toEqual([1, 1, 1]);
  });

  test("when the client goes away while it waits for room", async () => {
    const body = new Body(["a", "b"]);
    const exchange = new FakeExchange();
    exchange.hasRoom = false;
    run(answer(body), exchange);
    await exchange.recorded(2);
    exchange.leave();
    expect([body.closes, body.returns, body.pulls]).toEqual([1, 1, 1]);
    exchange.drain();
    expect([body.closes, body.pulls, body.pullsAfterClose]).toEqual([1, 1, 0]);
    expect(exchange.errors).toEqual([]);
  });

  test("when the client went away before the application had its body", async () => {
    const body = new Body(["a"]);
    const exchange = new FakeExchange();
    const { promise, resolve } = withResolvers<unknown>();
    run(() => promise, exchange);
    exchange.leave();
    resolve(body);
    await promise;
    await turn();
    expect([body.closes, body.returns, body.pulls]).toEqual([1, 0, 0]);
    expect(exchange.verbs).toEqual([]);
  });
});

describe("the end of a body", () => {
  test("runs the finally of a generator once, after the response has ended", () => {
    const exchange = new FakeExchange();
    let verbsAtFinally: string[] = [];
    run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, []);
      try {
        yield "a";
      } finally {
        verbsAtFinally = [...exchange.verbs];
      }
    }, exchange);
    expect(verbsAtFinally).toEqual(["head 200", "write a"]);
  });

  test("calls close() after the response has ended", () => {
    const exchange = new FakeExchange();
    const body = Object.assign(["a"], { close: () => exchange.verbs.push("close") });
    run(answer(body), exchange);
    expect(exchange.verbs).toEqual(["head 200", "end a", "close"]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("in close");
      },
    ],
    ["rejects", () => Promise.reject(new Error("in close"))],
  ])("whose close() %s is reported and changes nothing", async (_, close) => {
    const exchange = run(answer(Object.assign(["a"], { close })));
    await turn();
    expect(exchange.verbs).toEqual(["head 200", "end a"]);
    expect(onlyError(exchange)).toBe("in close");
  });

  test("disposes of a body that is disposable and has no close()", () => {
    let disposed = 0;
    const dispose = {
      [Symbol.asyncDispose]: async () => {
        disposed += 1;
      },
    };
    run(answer(Object.assign(["a"], dispose)));
    expect(disposed).toBe(1);
  });

  test("leaves a generator that was never begun", async () => {
    const exchange = new FakeExchange();
    let returns = 0;
    const body = {
      next: () => ({ done: true }),
      return: () => ((returns += 1), { done: true }),
      [Symbol.iterator]() {
        return this;
      },
    };
    const { promise, resolve } = withResolvers<unknown>();
    run(() => promise, exchange);
    exchange.leave();
    resolve(body);
    await promise;
    await turn();
    expect(returns).toBe(1);
  });
});

describe("as a body", () => {
  test.each<[string, () => unknown]>([
    ["a Set", () => new Set(["a", "b"])],
    [
      "a generator",
      function* () {
        yield "a";
        yield Buffer.from("b");
      },
    ],
    [
      "an async generator",
      async function* () {
        yield "a";
        yield new Uint8Array([98]);
      },
    ],
    ["a Node stream", () => Readable.from(["a", Buffer.from("b")])],
    ["a web stream", () => ReadableStream.from(["a", "b"])],
    ["the body of a fetch Response", () => new Response("ab").body],
  ])("%s is fine", async (_, makeBody) => {
    const exchange = run(answer(makeBody()));
    expect(await exchange.done).toBe("end");
    expect(exchange.body).toBe("ab");
    expect(exchange.errors).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ["a string", "hello", /returned a string as its body.*return \[body\]/],
    ["a Buffer", Buffer.from("hello"), /returned a Buffer as its body.*return \[body\]/],
    ["a Uint8Array", new Uint8Array(2), /returned a Uint8Array as its body.*return \[body\]/],
    ["an ArrayBuffer", new ArrayBuffer(2), /returned an ArrayBuffer as its body/],
    ["undefined", undefined, /returned undefined as its body; a body is an iterable of chunks/],
    ["null", null, /returned null as its body/],
    ["a number", 5, /returned a number as its body/],
    ["an object", {}, /returned an object as its body/],
    ["a function", () => [], /returned a function as its body/],
  ])("%s is refused with a sentence", async (_, body, message) => {
    for (const application of [answer(body), async (e: unknown, s: StartResponse) => answer(body)(e, s)]) {
      const exchange = run(application);
      await exchange.done;
      expect(exchange.status).toBe(500);
      expect(onlyError(exchange)).toMatch(message);
    }
  });

  test.each([
    ["first", [5], "end"],
    ["midway", ["a", { b: 1 }], "destroy"],
  ])("one with a chunk that is none, %s, is refused and left", async (_, list, how) => {
    let returned = 0;
    const body = (function* () {
      try {
        yield* list;
      } finally {
        returned += 1;
      }
    })();
    const exchange = run(answer(body));
    expect(await exchange.done).toBe(how);
    expect(returned).toBe(1);
    expect(onlyError(exchange)).toMatch(/as a chunk; chunks are Uint8Array or string/);
  });
});

describe("a slow client", () => {
  test.each([
    ["an iterable", Counted],
    ["an async iterable", CountedAsync],
  ])("is waited for: %s is not pulled ahead", async (_, Body) => {
    const body = new Body(["a", "b", "c"]);
    const exchange = new FakeExchange();
    exchange.hasRoom = false;
    run(answer(body), exchange);
    for (const pulls of [1, 2, 3]) {
      await exchange.recorded(pulls + 1);
      await turn();
      expect(body.pulls).toBe(pulls);
      exchange.watcher?.onDrain();
    }
    expect(await exchange.done).toBe("end");
  });

  test("a drain that nobody waits for does nothing", async () => {
    const body = new CountedAsync(["a", "b"]);
    const exchange = run(answer(body));
    exchange.drain();
    exchange.drain();
    await exchange.done;
    expect(exchange.body).toBe("ab");
    exchange.drain();
    expect(body.pulls).toBe(3);
  });
});

test.each([
  ["an iterable", Counted],
  ["an async iterable", CountedAsync],
])("%s that is always ready lets the event loop turn", async (_, Body) => {
  const body = new Body(Array.from({ length: 1000 }, () => "x"));
  const exchange = run(answer(body));
  await turn();
  expect(body.pulls).toBeLessThan(200);
  await exchange.done;
  expect(exchange.body).toHaveLength(1000);
});

test("a body that drains at once lets the event loop turn as well", async () => {
  const body = new Counted(Array.from({ length: 1000 }, () => "x"));
  const exchange = new FakeExchange();
  const write = exchange.write.bind(exchange);
  exchange.write = (chunk) => {
    process.nextTick(() => exchange.watcher?.onDrain());
    write(chunk);
    return false;
  };
  run(answer(body), exchange);
  await turn();
  expect(body.pulls).toBeLessThan(200);
  await exchange.done;
});

describe("when the client goes away", () => {
  test("the signal aborts, once, with an AbortError", () => {
    const exchange = new FakeExchange();
    let signal: AbortSignal | undefined;
    run((environ: Environ) => {
      signal = environ["gateway.signal"];
      return new Promise(() => {});
    }, exchange);
    expect(signal?.aborted).toBe(false);
    exchange.leave();
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toHaveProperty("name", "AbortError");
  });

  test("a signal first read afterwards is aborted too", async () => {
    const exchange = new FakeExchange();
    let environ: Environ | undefined;
    run((given: Environ) => {
      environ = given;
      return new Promise(() => {});
    }, exchange);
    exchange.leave();
    expect(environ?.["gateway.signal"].aborted).toBe(true);
  });

  test("after a whole response the signal stays quiet", () => {
    const exchange = new FakeExchange();
    let signal: AbortSignal | undefined;
    run((environ: Environ, startResponse: StartResponse) => {
      signal = environ["gateway.signal"];
      startResponse(200, []);
      return ["x"];
    }, exchange);
    exchange.leave();
    expect(signal?.aborted).toBe(false);
  });

  test("an application that gives up for that reason is not reported", async () => {
    const exchange = new FakeExchange();
    const finished = withResolvers<void>();
    run((environ: Environ) => {
      const { promise, reject } = withResolvers<never>();
      environ["gateway.signal"].addEventListener("abort", () => reject(environ["gateway.signal"].reason as Error));
      promise.catch(() => finished.resolve());
      return promise;
    }, exchange);
    exchange.leave();
    await finished.promise;
    await turn();
    expect(exchange.errors).toEqual([]);
  });

  test("any other error of the application is", async () => {
    const exchange = new FakeExchange();
    const { promise, reject } = withResolvers<never>();
    run(() => promise, exchange);
    exchange.leave();
    reject(new Error("a bug"));
    await turn();
    expect(onlyError(exchange)).toBe("a bug");
    expect(exchange.verbs).toEqual([]);
  });

  test("a stream that has nothing to give is destroyed at once", async () => {
    const exchange = new FakeExchange();
    const stream = new Readable({ read() {} });
    const closed = new Promise((resolve) => stream.once("close", resolve));
    run(answer(stream), exchange);
    await turn();
    exchange.leave();
    await closed;
    await turn();
    expect(exchange.errors).toEqual([]);
  });

  test("a web stream that has nothing to give is cancelled at once", async () => {
    const exchange = new FakeExchange();
    const cancelled = withResolvers<unknown>();
    run(answer(new ReadableStream({ cancel: cancelled.resolve })), exchange);
    await turn();
    exchange.leave();
    await cancelled.promise;
    expect(exchange.errors).toEqual([]);
  });

  test("a generator that waits is closed as soon as it goes on, and its error is not lost", async () => {
    const exchange = new FakeExchange();
    const gate = withResolvers<void>();
    run(async function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, []);
      yield "a";
      await gate.promise;
      throw new Error("too late for the client");
    }, exchange);
    await exchange.recorded(2);
    exchange.leave();
    gate.resolve();
    await turn();
    expect(onlyError(exchange)).toBe("too late for the client");
  });
});

/** One round of the event loop, with all microtasks. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
