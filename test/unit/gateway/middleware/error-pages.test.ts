import { describe, expect, test } from "vitest";
import { errorPages } from "../../../../src/gateway/middleware/index.ts";
import { runApplication } from "../../../../src/gateway/run.ts";
import type { Application, Body, StartResponse } from "../../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run } from "../fake-exchange.ts";
import { answering, type Deeds, lines, watched } from "./bodies.ts";

const pages = errorPages({
  render: ({ status, reason }) => (status === 410 ? undefined : `<h1>${status} ${reason}</h1>`),
});

describe("errorPages", () => {
  test("replaces a bare error, keeps its other headers and closes its body", async () => {
    const deeds: Deeds = [];
    const headers = [
      ["Content-Type", "text/plain"],
      ["Allow", "GET"],
      ["ETag", '"a"'],
      ["Content-Length", "1"],
    ] as const;
    for (const isAsync of [false, true]) {
      const exchange = run(pages(answering(() => watched(deeds, ["x"], isAsync), headers, "405 No")));
      expect(await exchange.done).toBe("end");
      expect([exchange.status, exchange.reason, exchange.body]).toEqual([405, "No", "<h1>405 Method Not Allowed</h1>"]);
      expect(lines(exchange)).toEqual(["Allow: GET", "Content-Type: text/html; charset=utf-8"]);
      expect(deeds.splice(0)).toEqual(["pull 1", "close"]);
    }
  });

  test("replaces a list in one piece", () => {
    const exchange = run(pages(answering(() => ["x"], [], 404)));
    expect(exchange.verbs).toEqual(["head 404", "end <h1>404 Not Found</h1>"]);
  });

  test.each([
    ["a good reply", 200, "text/plain"],
    ["a page of the application", 404, "text/html"],
    ["JSON", 422, "application/json"],
    ["what render leaves", 410, "text/plain"],
  ])("leaves %s", (_, status, type) => {
    const exchange = run(pages(answering(() => ["own"], [["Content-Type", type]], status)));
    expect(exchange.verbs).toEqual([`head ${status}`, "end own"]);
    expect(lines(exchange)).toEqual([`Content-Type: ${type}`]);
  });

  const broken: Record<string, Application> = {
    "throws in the call": () => {
      throw new Error("broke");
    },
    rejects: () => Promise.reject(new Error("broke")),
    "throws at the first pull": () => watched([], [new Error("broke")], false),
    "rejects at the first pull": () => watched([], [new Error("broke")], true),
    "throws behind an empty chunk": function* (_, startResponse) {
      startResponse(200, []);
      yield "";
      throw new Error("broke");
    },
    "returns no body": (() => 5) as unknown as Application,
  };

  test.each(Object.entries(broken))(
    "answers for an application that %s, and writes the error down",
    async (_, application) => {
      let written = "";
      const exchange = new FakeExchange({ target: "/a?secret" });
      const errors = { write: (text: string) => void (written += text), writelines() {}, flush() {} };
      runApplication(pages(application), exchange, {
        multiprocess: true,
        errors,
        urlScheme: undefined,
        onError: (error) => exchange.errors.push(error),
      });
      expect(await exchange.done).toBe("end");
      expect([exchange.status, exchange.body, exchange.errors]).toEqual([
        500,
        "<h1>500 Internal Server Error</h1>",
        [],
      ]);
      expect(written).toMatch(/^GET \/a: (TypeE|E)rror: (broke|the application returned a number)/);
    },
  );

  test("cannot answer once a reply has begun", async () => {
    const exchange = run(
      pages(function* (_, startResponse) {
        startResponse(200, []);
        yield "begun";
        throw new Error("broke");
      }),
    );
    expect(await exchange.done).toBe("destroy");
    expect(onlyError(exchange)).toBe("broke");
  });

  test("lets an application change its mind before its first chunk", async () => {
    const exchange = run(
      pages(function* (_: unknown, startResponse: StartResponse) {
        startResponse(200, [["Content-Type", "text/html"]]);
        yield "";
        startResponse(503, [], { error: new Error("changed") });
        yield "x";
      } as Application),
    );
    expect(await exchange.done).toBe("end");
    expect([exchange.status, exchange.body]).toEqual([503, "<h1>503 Service Unavailable</h1>"]);
  });

  test("breaks a reply whose application changes its mind too late and hides it", async () => {
    for (const isAsync of [false, true]) {
      const change = (startResponse: StartResponse): void => {
        try {
          startResponse(500, [], { error: new Error("changed") });
        } catch {
          // This is what must not be done.
        }
      };
      const exchange = run(
        pages((_, startResponse) => {
          startResponse(200, []);
          if (isAsync)
            return (async function* () {
              yield "begun";
              change(startResponse);
            })();
          return (function* () {
            yield "begun";
            change(startResponse);
          })();
        }),
      );
      expect(await exchange.done).toBe("destroy");
      expect(onlyError(exchange)).toBe("changed");
    }
  });

  test("refuses a second startResponse and a bad header where the mistake is", () => {
    const twice: Application = (_, startResponse) => {
      startResponse(200, []);
      startResponse(200, []);
      return [];
    };
    const raw = errorPages({ render: ({ error }) => String(error) });
    expect(run(raw(twice)).body).toMatch(/startResponse was called already/);
    expect(run(raw(answering(() => [], [["a b", "c"]]))).body).toMatch(/"a b" is not a header name/);
  });

  test("says nothing when the client has gone", async () => {
    const exchange = new FakeExchange();
    run(
      pages(async (environ) => {
        const signal = environ["gateway.signal"];
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
        return [] as Body;
      }),
      exchange,
    );
    exchange.leave();
    await new Promise(setImmediate);
    expect([exchange.verbs, exchange.errors]).toEqual([[], []]);
  });
});
