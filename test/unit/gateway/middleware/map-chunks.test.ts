import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { closeBody, compose, mapChunks, type Middleware } from "../../../../src/gateway/middleware/index.ts";
import type { Application, Body, Chunk } from "../../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run } from "../fake-exchange.ts";
import { answering, type Deeds, watched } from "./bodies.ts";

const upper = (chunk: Chunk): string =>
  Buffer.from(chunk as string)
    .toString()
    .toUpperCase();
const shouting: Middleware = (application) => (environ, startResponse) => {
  const body = application(environ, startResponse) as Body;
  return mapChunks(body, upper, () => "!");
};

describe("mapChunks", () => {
  test("keeps a list a list, so that its length is known", () => {
    const exchange = run(shouting(answering(() => ["ab", "c"])));
    expect(exchange.verbs).toEqual(["head 200", "write AB", "write C", "write !", "end"]);
    expect(exchange.length).toBe(4);
  });

  test.each([
    ["a lazy body", false],
    ["an async body", true],
  ])("sends each chunk of %s before it pulls the next, and closes once", async (_, isAsync) => {
    const deeds: Deeds = [];
    const exchange = new FakeExchange();
    exchange.hasRoom = false;
    run(shouting(answering(() => watched(deeds, ["a", "", "b"], isAsync))), exchange);
    await exchange.recorded(2);
    expect([exchange.verbs, deeds]).toEqual([["head 200", "write A"], ["pull 1"]]);
    exchange.drain();
    expect(await exchange.done).toBe("end");
    expect(exchange.body).toBe("AB!");
    expect(deeds).toEqual(["pull 1", "pull 2", "pull 3", "close"]);
  });

  test.each([false, true])("passes an error on, closes once and ends nothing cleanly (async: %s)", async (isAsync) => {
    const deeds: Deeds = [];
    const exchange = run(shouting(answering(() => watched(deeds, ["a", new Error("broke")], isAsync))));
    expect(await exchange.done).toBe("destroy");
    expect(onlyError(exchange)).toBe("broke");
    expect(deeds).toEqual(["pull 1", "pull 2", "close"]);
  });

  test("closes the inner body at once when the client leaves while a chunk is waited for", async () => {
    const deeds: Deeds = [];
    const body = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
      close: () => deeds.push("close"),
    };
    const exchange = new FakeExchange();
    run(shouting(answering(() => body as unknown as Body)), exchange);
    exchange.leave();
    expect(deeds).toEqual(["close"]);
  });

  test("destroys a stream, and cancels a web stream", async () => {
    const stream = new Readable({ read() {} });
    const exchange = run(shouting(answering(() => stream as Body)));
    exchange.leave();
    expect(stream.destroyed).toBe(true);
    let why = "not cancelled";
    const web = new ReadableStream({ cancel: () => void (why = "cancelled") });
    run(shouting(answering(() => web))).leave();
    expect(why).toBe("cancelled");
  });

  test("lets an error of close reach whoever closes", async () => {
    const close = async (): Promise<void> => {
      throw new Error("cannot close");
    };
    const body = Object.assign(["a"], { close });
    await expect(closeBody(mapChunks(body, upper))).rejects.toThrow("cannot close");
    const exchange = run(shouting(answering(() => Object.assign(["a"], { close }))));
    expect(await exchange.done).toBe("end");
    await new Promise(setImmediate);
    expect(onlyError(exchange)).toBe("cannot close");
  });

  test("refuses what is no body in the words of the server", () => {
    expect(() => mapChunks("text", upper)).toThrow(/returned a string as its body/);
  });
});

describe("compose", () => {
  const named =
    (name: string): Middleware =>
    (application) =>
    (environ, startResponse) => {
      environ["test.order"] = [...((environ["test.order"] as string[] | undefined) ?? []), name];
      return application(environ, startResponse);
    };
  const order: Application = (environ, startResponse) => {
    startResponse(200, []);
    return [String(environ["test.order"])];
  };

  test("puts the first outermost", () => {
    expect(run(compose(named("a"), named("b"), named("c"))(order)).body).toBe("a,b,c");
  });

  test("of nothing is the application", () => {
    expect(compose()(order)).toBe(order);
  });

  test("says what is no middleware and what is no application", () => {
    expect(() => compose(5 as unknown as Middleware)).toThrow("compose takes middleware");
    expect(() => compose(named("a"))({} as Application)).toThrow("a middleware wraps an application");
    const nothing = (() => undefined) as unknown as Middleware;
    expect(() => compose(nothing)(order)).toThrow("the middleware nothing must return an application");
  });
});
